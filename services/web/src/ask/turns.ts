import type { AnswerEvent, AnswerMetadata, ChatMessage, Citation, Source } from "../api/contracts";
import { ApiError } from "../api/errors";

export type Phase = "waiting" | "answering" | "done" | "stopped" | "failed";

/** A question and its answer, as far as it has come. */
export interface Turn {
  key: string;
  question: string;
  sessionId: string | null;
  /** The answer's id, null until the server has named it. */
  messageId: string | null;
  answer: string;
  citations: Citation[];
  sources: Source[];
  metadata: AnswerMetadata | null;
  phase: Phase;
  /** Why it failed, where that is known. */
  error: ApiError | null;
}

export function newTurn(key: string, question: string, sessionId: string | null): Turn {
  return {
    key,
    question,
    sessionId,
    messageId: null,
    answer: "",
    citations: [],
    sources: [],
    metadata: null,
    phase: "waiting",
    error: null,
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
    case "done":
      return {
        ...turn,
        phase: "done",
        sessionId: event.data.session_id,
        messageId: event.data.message_id,
        answer: event.data.answer,
        citations: event.data.citations,
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
      turns.push({ ...newTurn(message.id, message.content, sessionId), phase: "failed" });
    } else if (open && open.messageId === null) {
      turns[turns.length - 1] = {
        ...open,
        messageId: message.id,
        answer: message.content,
        citations: message.citations,
        sources: message.sources,
        metadata: message.metadata,
        phase: PHASES[message.status],
      };
    }
  }
  return turns;
}

/** A session's turns: what is stored, then what was asked on this page and isn't stored yet. */
export function mergedTurns(stored: Turn[], live: Turn[]): Turn[] {
  const known = new Set(stored.map((turn) => turn.messageId));
  const fresh = live.filter((turn) => turn.messageId === null || !known.has(turn.messageId));
  const last = stored.at(-1);
  // The question is stored before its answer is; here it is shown with what has arrived of it.
  const shown = fresh.length > 0 && last?.messageId === null && last.question === fresh[0]?.question;
  return [...(shown ? stored.slice(0, -1) : stored), ...fresh];
}
