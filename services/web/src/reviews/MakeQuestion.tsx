import { useMutation, useQuery } from "@tanstack/react-query";
import { useId, useState, type SubmitEvent } from "react";

import { decide, questionSets } from "../api/admin-calls";
import { ANSWERS_MAX, QUERY_MAX_CHARS, SET_NAME_MAX_CHARS, type Review } from "../api/admin-contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { Modal } from "../ui/Modal";
import { DocumentChoice } from "./DocumentChoice";
import { SETS_KEY } from "./QuestionSets";
import { decisionOf, documentsOf, wanting } from "./review";

const FIRST_SET = "From people";

interface Properties {
  review: Review;
  decided: (outcome: string) => Promise<void>;
}

/** The dialog in which an admin makes an evaluation question of what was asked. */
export function MakeQuestion({ review, decided }: Properties) {
  const [open, setOpen] = useState(false);
  return (
    <Modal
      open={open}
      setOpen={setOpen}
      trigger="Make a question of it"
      triggerClass="link"
      title="An evaluation question"
      className="dialog dialog-wide"
    >
      <QuestionForm review={review} decided={decided} />
    </Modal>
  );
}

function QuestionForm({ review, decided }: Properties) {
  const id = useId();
  const sets = useQuery({ queryKey: SETS_KEY, queryFn: questionSets });
  const [named, setNamed] = useState<string | null>(null);
  const [query, setQuery] = useState(review.question);
  const [answerable, setAnswerable] = useState(true);
  const [answers, setAnswers] = useState("");
  const [documentIds, setDocumentIds] = useState<string[]>([]);
  // The set that was changed last, until another is named.
  const latest = sets.data?.toSorted((one, other) => other.updated_at.localeCompare(one.updated_at))[0];
  const setName = named ?? latest?.name ?? FIRST_SET;
  const draft = { setName, query, answerable, answers, documentIds };
  const missing = wanting(draft, ANSWERS_MAX);

  const making = useMutation({
    mutationFn: () => decide(review.message_id, decisionOf(draft, review.question)),
    onSuccess: () => decided(`Now a question of the set “${setName.trim()}”: ${query.trim()}`),
  });
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    if (missing === "" && !making.isPending) making.mutate();
  };

  return (
    <form className="settings" onSubmit={send}>
      <div className="setting">
        <label htmlFor={`${id}-query`}>Question</label>
        <textarea
          id={`${id}-query`}
          rows={2}
          maxLength={QUERY_MAX_CHARS}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </div>
      <label className="switch">
        <input type="checkbox" checked={!answerable} onChange={(event) => setAnswerable(!event.target.checked)} />
        No document answers it: the right answer is “I don't know”
      </label>
      {answerable && (
        <>
          <DocumentChoice offered={documentsOf(review.sources)} chosen={documentIds} choose={setDocumentIds} />
          <div className="setting">
            <label htmlFor={`${id}-answers`}>
              A good answer says <span className="quiet">(optional)</span>
            </label>
            <textarea
              id={`${id}-answers`}
              rows={3}
              value={answers}
              aria-describedby={`${id}-answers-about`}
              onChange={(event) => setAnswers(event.target.value)}
            />
            <p className="quiet" id={`${id}-answers-about`}>
              One wording a line: any of them counts as right.
            </p>
          </div>
        </>
      )}
      <div className="setting">
        <label htmlFor={`${id}-set`}>Set</label>
        <input
          id={`${id}-set`}
          list={`${id}-sets`}
          maxLength={SET_NAME_MAX_CHARS}
          value={setName}
          aria-describedby={`${id}-set-about`}
          onChange={(event) => setNamed(event.target.value)}
        />
        <datalist id={`${id}-sets`}>
          {sets.data?.map((set) => <option key={set.set_id} value={set.name} />)}
        </datalist>
        <p className="quiet" id={`${id}-set-about`}>
          A set of that name is made where there is none.
        </p>
      </div>
      {making.isError && <ErrorNote error={making.error} />}
      <div className="saved">
        <button type="submit" className="button button-strong" disabled={missing !== "" || making.isPending}>
          {making.isPending ? "Making…" : "Make the question"}
        </button>
        <p className="quiet">{missing}</p>
      </div>
    </form>
  );
}
