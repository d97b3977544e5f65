import { useEffect, useId, useRef, useState, type KeyboardEvent, type SubmitEvent } from "react";

import { MESSAGE_MAX_CHARS } from "../api/contracts";
import { codePointLength } from "./offsets";

interface Properties {
  question: string;
  busy: boolean;
  ask: (question: string) => void;
  cancel: () => void;
}

/** A question that is asked anew in its place. Enter asks, Escape leaves it as it is. */
export function EditQuestion({ question, busy, ask, cancel }: Properties) {
  const [text, setText] = useState(question);
  const box = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const over = codePointLength(text) - MESSAGE_MAX_CHARS;
  const ready = text.trim() !== "" && over <= 0 && !busy;

  useEffect(() => {
    box.current?.focus();
    box.current?.setSelectionRange(question.length, question.length);
  }, [question]);

  const submit = (event: SubmitEvent | KeyboardEvent) => {
    event.preventDefault();
    if (ready) ask(text);
  };
  const keyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    if (event.key === "Escape") cancel();
  };

  return (
    <form className="edit" onSubmit={submit}>
      <label htmlFor={id}>Ask it differently</label>
      <textarea
        id={id}
        ref={box}
        rows={2}
        value={text}
        aria-describedby={`${id}-hint`}
        aria-invalid={over > 0}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={keyDown}
      />
      <p id={`${id}-hint`} className={over > 0 ? "counter counter-over" : "quiet"}>
        {over > 0 ? `Shorten it by ${over} characters.` : "What was said so far is kept as another version."}
      </p>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={cancel}>
          Cancel
        </button>
        <button type="submit" className="button button-strong" disabled={!ready}>
          Ask instead
        </button>
      </div>
    </form>
  );
}
