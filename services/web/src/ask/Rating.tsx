import { useMutation } from "@tanstack/react-query";
import { useId, useRef, useState, type SubmitEvent } from "react";

import { rate, unrate } from "../api/calls";
import { MESSAGE_MAX_CHARS, type Feedback } from "../api/contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { codePointLength } from "./offsets";

const RATINGS = [1, 2, 3, 4, 5];
const WORDS: Record<number, string> = { 1: "useless", 5: "just right" };

interface Properties {
  messageId: string;
  given: Feedback | null;
  /** Told what the server has taken. */
  changed: (feedback: Feedback | null) => void;
}

/** What the asker thinks of an answer. Nothing is sent before "Send", and what couldn't be sent stays. */
export function Rating({ messageId, given, changed }: Properties) {
  const [rating, setRating] = useState<number | null>(null);
  const [comment, setComment] = useState(given?.comment ?? "");
  const group = useRef<HTMLFieldSetElement>(null);
  const id = useId();
  const over = codePointLength(comment) - MESSAGE_MAX_CHARS;

  const sending = useMutation({
    mutationFn: (feedback: Feedback | null) => (feedback ? rate(messageId, feedback) : unrate(messageId)),
    onSuccess: (_, feedback) => {
      setRating(null);
      changed(feedback);
      group.current?.focus();
    },
  });
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    if (rating !== null && over <= 0 && !sending.isPending) sending.mutate({ rating, comment: comment.trim() });
  };
  const cancel = () => {
    setRating(null);
    sending.reset();
    group.current?.focus();
  };

  return (
    <form className="rating" onSubmit={send}>
      <fieldset ref={group} tabIndex={-1}>
        <legend className="unseen">Rate this answer, from 1, useless, to 5, just right</legend>
        <span aria-hidden="true">{given ? "Your rating" : "Was this useful?"}</span>
        {RATINGS.map((value) => (
          <label key={value} title={WORDS[value]}>
            <input
              type="radio"
              className="unseen"
              name={id}
              value={value}
              checked={value === (rating ?? given?.rating)}
              onChange={() => setRating(value)}
            />
            {value}
            {WORDS[value] && <span className="unseen">, {WORDS[value]}</span>}
          </label>
        ))}
        {!given && <span aria-hidden="true">1 useless, 5 just right</span>}
        {given && rating === null && (
          <>
            <button type="button" className="link" onClick={() => setRating(given.rating)}>
              Change
            </button>
            <button type="button" className="link" disabled={sending.isPending} onClick={() => sending.mutate(null)}>
              Withdraw
            </button>
          </>
        )}
      </fieldset>
      {given?.comment && rating === null && <p className="rating-comment">{given.comment}</p>}
      {rating !== null && (
        <>
          <label htmlFor={`${id}-comment`}>
            What was good or bad about it? <span className="quiet">(optional)</span>
          </label>
          <textarea
            id={`${id}-comment`}
            rows={2}
            value={comment}
            aria-describedby={`${id}-hint`}
            aria-invalid={over > 0}
            onChange={(event) => setComment(event.target.value)}
          />
          <p id={`${id}-hint`} className={over > 0 ? "counter counter-over" : "quiet"}>
            {over > 0
              ? `Shorten it by ${over} characters.`
              : "Your organisation’s admins see the rating with the question and the answer."}
          </p>
        </>
      )}
      {sending.isError && <ErrorNote error={sending.error} />}
      {rating !== null && (
        <div className="dialog-actions">
          <button type="button" className="button" onClick={cancel}>
            Cancel
          </button>
          <button type="submit" className="button button-strong" disabled={over > 0 || sending.isPending}>
            {sending.isPending ? "Sending…" : "Send"}
          </button>
        </div>
      )}
    </form>
  );
}
