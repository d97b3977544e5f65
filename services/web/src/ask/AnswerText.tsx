import { Fragment } from "react";

import type { Citation, Source, TextSpan } from "../api/contracts";
import { answerPieces } from "./citations";
import type { OpenedPassage } from "./Conversation";

interface Properties {
  answer: string;
  citations: Citation[];
  unsupported: TextSpan[];
  sources: Source[];
  busy: boolean;
  opened: OpenedPassage | null;
  open: (citation: Citation, citedAt: number, opener: HTMLElement) => void;
}

/** The answer as plain text, its citations as buttons, and what has no source set apart. */
export function AnswerText({ answer, citations, unsupported, sources, busy, opened, open }: Properties) {
  const titles = new Map(sources.map((source) => [source.n, source.title]));
  return (
    <div className="answer" aria-busy={busy}>
      {answerPieces(answer, citations, unsupported).map(({ text, at, citation, unsupported }) =>
        unsupported ? (
          <span key={at} className="unsupported">
            {text}
          </span>
        ) : citation && titles.has(citation.n) ? (
          <button
            key={at}
            type="button"
            className="citation"
            aria-label={`Source ${citation.n}: ${titles.get(citation.n)}`}
            aria-haspopup="dialog"
            aria-expanded={opened?.citedAt === at}
            onClick={(event) => open(citation, at, event.currentTarget)}
          >
            {text}
          </button>
        ) : (
          <Fragment key={at}>{text}</Fragment>
        ),
      )}
    </div>
  );
}
