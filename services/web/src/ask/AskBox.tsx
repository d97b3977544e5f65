import { useEffect, useRef, type KeyboardEvent, type SubmitEvent } from "react";

import { MESSAGE_MAX_CHARS } from "../api/contracts";
import { formatNumber } from "../ui/format";
import { codePointLength } from "./offsets";

interface Properties {
  draft: string;
  setDraft: (draft: string) => void;
  ask: () => void;
  /** Ends the answer that is on its way; null where there is none. */
  stop: (() => void) | null;
}

export function AskBox({ draft, setDraft, ask, stop }: Properties) {
  const box = useRef<HTMLTextAreaElement>(null);
  const length = codePointLength(draft);
  const tooLong = length > MESSAGE_MAX_CHARS;
  const ready = draft.trim() !== "" && !tooLong && !stop;

  useEffect(() => {
    // On a touch screen this would cover the page with its keyboard.
    if (matchMedia("(pointer: fine)").matches) box.current?.focus();
    // Whoever goes on writing does so at the end.
    box.current?.setSelectionRange(box.current.value.length, box.current.value.length);
  }, []);

  const end = () => {
    stop?.();
    // The button is about to go.
    box.current?.focus();
  };

  const submit = (event: SubmitEvent | KeyboardEvent) => {
    event.preventDefault();
    if (ready) ask();
  };

  const keyDown = (event: KeyboardEvent) => {
    // While an input method is composing a character, Enter belongs to it.
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
  };

  return (
    <form className="ask-box" onSubmit={submit}>
      <label htmlFor="question">Your question</label>
      <textarea
        id="question"
        ref={box}
        rows={2}
        value={draft}
        placeholder="What do you want to know?"
        aria-describedby="question-length"
        aria-invalid={tooLong}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={keyDown}
      />
      <div className="ask-actions">
        <span id="question-length" className={tooLong ? "counter counter-over" : "counter"}>
          {formatNumber(length)} of {formatNumber(MESSAGE_MAX_CHARS)} characters
          {tooLong && `: shorten it by ${formatNumber(length - MESSAGE_MAX_CHARS)}`}
        </span>
        {stop ? (
          <button type="button" className="button" onClick={end}>
            Stop
          </button>
        ) : (
          <button type="submit" className="button button-strong" disabled={!ready}>
            Ask
          </button>
        )}
      </div>
    </form>
  );
}
