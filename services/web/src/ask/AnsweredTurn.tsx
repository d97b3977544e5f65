import type { Citation, Source } from "../api/contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { AnswerText } from "./AnswerText";
import { citedNumbers, spansOf } from "./citations";
import type { OpenedPassage } from "./Conversation";
import { OutcomeNote } from "./OutcomeNote";
import { SourceList } from "./SourceList";
import { TraceDialog } from "./TraceDialog";
import { inProgress, turnId, type Turn } from "./turns";

interface Properties {
  turn: Turn;
  opened: OpenedPassage | null;
  open: (passage: OpenedPassage) => void;
  /** Puts a question back into the box. */
  askAgain: (question: string) => void;
}

/** A question with its answer, how far it can be trusted, and its footnotes. */
export function AnsweredTurn({ turn, opened, open, askAgain }: Properties) {
  const { messageId, metadata, sources, citations } = turn;
  const cited = new Set(citedNumbers(citations));
  const footnotes = sources.filter((source) => cited.has(source.n));
  const others = sources.filter((source) => !cited.has(source.n));
  const finished = !inProgress(turn);

  const openSource = (source: Source, opener: HTMLElement) =>
    open({ turnId: turnId(turn), source, spans: spansOf(citations, source.n), citedAt: null, opener });
  const openCitation = (citation: Citation, citedAt: number, opener: HTMLElement) => {
    const source = sources.find((candidate) => candidate.n === citation.n);
    if (source) open({ turnId: turnId(turn), source, spans: citation.spans, citedAt, opener });
  };

  return (
    <article className="turn">
      <h2 className="question">{turn.question}</h2>
      <AnswerText
        answer={turn.answer}
        citations={citations}
        sources={sources}
        busy={!finished}
        opened={opened}
        open={openCitation}
      />
      {!finished && turn.answer === "" && (
        <p className="working">{sources.length > 0 ? "Reading passages" : "Searching"}</p>
      )}
      {turn.phase === "stopped" && <p className="note">This answer was stopped before it was complete.</p>}
      {turn.phase === "failed" && !turn.error && (
        <p className="note">This answer failed before it was complete. Ask again.</p>
      )}
      {turn.error && (
        <ErrorNote
          error={turn.error}
          retry={{ label: "Put the question back in the box", action: () => askAgain(turn.question) }}
        />
      )}
      {metadata && <OutcomeNote metadata={metadata} cited={footnotes.length} />}
      <SourceList sources={footnotes} opened={opened} open={openSource} />
      {finished && others.length > 0 && (
        <details className="others" open={metadata?.outcome === "abstained"}>
          <summary>{metadata?.outcome === "abstained" ? "Nearest passages" : "Also read, not cited"}</summary>
          <SourceList sources={others} opened={opened} open={openSource} />
        </details>
      )}
      {finished && messageId && metadata && <TraceDialog messageId={messageId} sources={sources} />}
    </article>
  );
}
