import { useState } from "react";

import type { Citation, Feedback, Source } from "../api/contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { useReturnedFocus } from "../ui/focus";
import { AnswerText } from "./AnswerText";
import { citedNumbers, spansOf } from "./citations";
import type { OpenedPassage } from "./Conversation";
import { IMPORTED } from "./degradations";
import { EditQuestion } from "./EditQuestion";
import { OutcomeNote } from "./OutcomeNote";
import { Rating } from "./Rating";
import { SourceList } from "./SourceList";
import { TraceDialog } from "./TraceDialog";
import { inProgress, turnId, type Turn } from "./turns";
import { VersionSwitch } from "./VersionSwitch";

/** What the owner of a conversation can do with one of its turns. */
export interface TurnActions {
  /** An answer is on its way; another can't begin. */
  busy: boolean;
  /** Puts a question back into the box. */
  askAgain: (question: string) => void;
  /** Has the question answered once more. */
  answerAgain: (turn: Turn) => void;
  /** Asks another question in this one's place. */
  edit: (turn: Turn, question: string) => void;
  /** Forgets a turn that was refused. */
  dismiss: (turn: Turn) => void;
  /** Shows the branch of a message. */
  show: (messageId: string) => Promise<void>;
  rated: (messageId: string, feedback: Feedback | null) => void;
}

interface Properties {
  turn: Turn;
  opened: OpenedPassage | null;
  open: (passage: OpenedPassage) => void;
  /** Null where the turn is there to be read. */
  actions: TurnActions | null;
}

/** A question with its answer, how far it can be trusted, and its footnotes. */
export function AnsweredTurn({ turn, opened, open, actions }: Properties) {
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
      <TurnQuestion turn={turn} actions={actions} />
      <AnswerText
        answer={turn.answer}
        citations={citations}
        unsupported={turn.unsupported}
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
        <p className="note">This answer failed before it was complete. {actions && "Ask again."}</p>
      )}
      {turn.error && (
        <ErrorNote
          error={turn.error}
          retry={
            actions
              ? { label: "Put the question back in the box", action: () => actions.askAgain(turn.question) }
              : undefined
          }
        />
      )}
      {!metadata && finished && turn.answer !== "" && turn.answerVersions.length > 0 && (
        <p className="note">Nothing is known of how this answer was made. It was not verified here.</p>
      )}
      {metadata && <OutcomeNote metadata={metadata} cited={footnotes.length} />}
      <SourceList sources={footnotes} opened={opened} open={openSource} />
      {finished && others.length > 0 && (
        <details className="others" open={metadata?.outcome === "abstained"}>
          <summary>{metadata?.outcome === "abstained" ? "Nearest passages" : "Also read, not cited"}</summary>
          <SourceList sources={others} opened={opened} open={openSource} />
        </details>
      )}
      {actions && finished && messageId && <AnswerActions turn={turn} messageId={messageId} actions={actions} />}
    </article>
  );
}

/** The question, which its asker may ask differently. */
function TurnQuestion({ turn, actions }: { turn: Turn; actions: TurnActions | null }) {
  const { question, questionId, questionVersions, refused } = turn;
  const [editing, setEditing] = useState<{ questionId: string; text: string } | null>(null);
  const editable = actions && questionId && !inProgress(turn);
  const draft = editing && editing.questionId === questionId ? editing.text : null;
  const setDraft = (text: string | null) => setEditing(questionId && text !== null ? { questionId, text } : null);
  const editButton = useReturnedFocus<HTMLButtonElement>(draft !== null);

  if (editable && draft !== null) {
    const ask = (changed: string) => {
      setDraft(null);
      actions.edit(turn, changed);
    };
    return <EditQuestion question={draft} busy={actions.busy} ask={ask} cancel={() => setDraft(null)} />;
  }
  return (
    <>
      <h2 className="question">{question}</h2>
      {editable && (
        <div className="turn-actions">
          <button ref={editButton} type="button" className="link" onClick={() => setDraft(question)}>
            Edit
          </button>
          <VersionSwitch
            of="question"
            versions={questionVersions}
            shown={questionId}
            busy={actions.busy}
            show={actions.show}
          />
        </div>
      )}
      {editable && refused?.error && (
        <div className="refused">
          {refused.question !== question && <p>“{refused.question}” couldn’t be asked instead.</p>}
          <ErrorNote
            error={refused.error}
            retry={{
              label: "Try again",
              action: () => (refused.questionId ? actions.answerAgain(turn) : setDraft(refused.question)),
            }}
          />
          <button type="button" className="link" onClick={() => actions.dismiss(refused)}>
            Dismiss
          </button>
        </div>
      )}
    </>
  );
}

function AnswerActions({ turn, messageId, actions }: { turn: Turn; messageId: string; actions: TurnActions }) {
  const { metadata, phase, questionId, answerVersions, feedback, sources } = turn;
  const rateable = phase === "done" || (phase === "stopped" && turn.answer !== "");
  // How an imported answer was made is known only where it was made.
  const traced = metadata !== null && !metadata.degraded.includes(IMPORTED);
  return (
    <>
      <div className="turn-actions">
        {questionId && (
          <VersionSwitch
            of="answer"
            versions={answerVersions}
            shown={messageId}
            busy={actions.busy}
            show={actions.show}
          />
        )}
        {questionId && (
          <button type="button" className="link" disabled={actions.busy} onClick={() => actions.answerAgain(turn)}>
            Answer again
          </button>
        )}
        {traced && <TraceDialog messageId={messageId} sources={sources} />}
      </div>
      {rateable && (
        <Rating
          key={messageId}
          messageId={messageId}
          given={feedback}
          changed={(given) => actions.rated(messageId, given)}
        />
      )}
    </>
  );
}
