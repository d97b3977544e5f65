import type { AnswerEvent, AnswerMetadata, ChatMessage, Citation, Feedback, Source, TextSpan } from "../api/contracts";
import { ApiError } from "../api/errors";

export type Phase = "waiting" | "answering" | "done" | "stopped" | "failed";

/** A question and its answer, as far as it has come. */
export interface Turn {
  key: string;
  question: string;
  /** The question's own id, null until it has been read from storage. */
  questionId: string | null;
  /** All questions asked in this one's place, and all answers given in this answer's, in order. */
  questionVersions: string[];
  answerVersions: string[];
  sessionId: string | null;
  /** The answer's id, null until the server has named it. */
  messageId: string | null;
  answer: string;
  citations: Citation[];
  /** Sentences of the answer that no source supports. */
  unsupported: TextSpan[];
  sources: Source[];
  metadata: AnswerMetadata | null;
  feedback: Feedback | null;
  phase: Phase;
  /** Why it failed, where that is known. */
  error: ApiError | null;
  /** The question in whose place this stands, with all that followed it; null for one at the end. */
  replaces: string | null;
  /** When it ended on this page, by this browser's clock in milliseconds; null until then. */
  endedAt: number | null;
  /** What was last asked in this one's place and was refused before it was stored. */
  refused: Turn | null;
}

export function newTurn(key: string, question: string, sessionId: string | null): Turn {
  return {
    key,
    question,
    questionId: null,
    questionVersions: [],
    answerVersions: [],
    sessionId,
    messageId: null,
    answer: "",
    citations: [],
    unsupported: [],
    sources: [],
    metadata: null,
    feedback: null,
    phase: "waiting",
    error: null,
    replaces: null,
    endedAt: null,
    refused: null,
  };
}

/** The same for a turn while it is answered and when it is read again later. */
export function turnId(turn: Turn): string {
  return turn.messageId ?? turn.key;
}

export function inProgress(turn: Turn): boolean {
  return turn.phase === "waiting" || turn.phase === "answering";
}

/** The turn after one event of its stream. */
export function advance(turn: Turn, event: AnswerEvent): Turn {
  switch (event.type) {
    case "session":
      return { ...turn, sessionId: event.data.session_id, messageId: event.data.message_id };
    case "sources":
      return { ...turn, sources: event.data.sources };
    case "token":
      return { ...turn, phase: "answering", answer: turn.answer + event.data.text };
    case "citation":
      return { ...turn, citations: [...turn.citations, event.data] };
    case "unsupported":
      return { ...turn, unsupported: [...turn.unsupported, event.data] };
    case "done":
      return {
        ...turn,
        phase: "done",
        sessionId: event.data.session_id,
        messageId: event.data.message_id,
        answer: event.data.answer,
        citations: event.data.citations,
        unsupported: event.data.metadata.unsupported ?? [],
        sources: event.data.sources,
        metadata: event.data.metadata,
      };
    case "error":
      return { ...turn, phase: "failed", error: new ApiError(0, event.data) };
  }
}

const PHASES: Record<ChatMessage["status"], Phase> = {
  completed: "done",
  generating: "answering",
  stopped: "stopped",
  failed: "failed",
  interrupted: "failed",
};

/** Stored messages, oldest first, as turns. */
export function storedTurns(sessionId: string, messages: ChatMessage[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const open = turns.at(-1);
    if (message.role === "user") {
      turns.push({
        ...newTurn(message.id, message.content, sessionId),
        questionId: message.id,
        questionVersions: message.versions,
        phase: "failed",
      });
    } else if (open && open.messageId === null) {
      turns[turns.length - 1] = {
        ...open,
        messageId: message.id,
        answer: message.content,
        citations: message.citations,
        unsupported: message.metadata?.unsupported ?? [],
        sources: message.sources,
        metadata: message.metadata,
        answerVersions: message.versions,
        feedback: message.feedback,
        phase: PHASES[message.status],
      };
    }
  }
  return turns;
}

/**
 * A session's turns: what was stored at `readAt`, and what was asked on this page and isn't stored yet.
 *
 * A turn that ended before `readAt` is either stored or on a branch that isn't shown.
 */
export function mergedTurns(stored: Turn[], live: Turn[], readAt: number): Turn[] {
  let turns = stored;
  for (const turn of live) {
    const there = turn.messageId === null ? -1 : turns.findIndex(({ messageId }) => messageId === turn.messageId);
    const same = turns[there];
    if (turn.messageId !== null && turn.endedAt !== null && turn.endedAt <= readAt && !(same && inProgress(same))) {
      // Storage doesn't keep why an answer failed.
      if (same && turn.error) turns = turns.with(there, { ...same, error: turn.error });
      continue;
    }
    if (there !== -1) {
      turns = turns.with(there, turn);
      continue;
    }
    const place = turns.findIndex(({ key }) => key === turn.replaces);
    if (turn.messageId === null && !inProgress(turn) && turn.replaces !== null) {
      const kept = turns[place];
      if (kept && turn.phase === "failed") turns = turns.with(place, { ...kept, refused: turn });
      continue;
    }
    // Stopped before its answer had a name, yet after it was stored.
    if (turn.phase === "stopped" && turn.messageId === null && turns.at(-1)?.question === turn.question) continue;
    turns = [...turns.slice(0, place === -1 ? end(turns, turn) : place), turn];
  }
  return turns;
}

/** How many turns stay before one at the end. */
function end(turns: Turn[], turn: Turn): number {
  const last = turns.at(-1);
  // The question is stored before its answer is; here it is shown with what has arrived of it.
  const half = last !== undefined && last.questionId !== null && last.messageId === null;
  return half && last.question === turn.question ? turns.length - 1 : turns.length;
}
