import { describe, expect, test } from "vitest";

import type { AnswerMetadata, ChatMessage, ChatResponse } from "../api/contracts";
import { advance, inProgress, mergedTurns, newTurn, storedTurns } from "./turns";

const metadata: AnswerMetadata = {
  tokens_used: 10,
  response_time_ms: 20,
  model_used: "extractive",
  cached: false,
  outcome: "answered",
  grounded: true,
  confidence: 0.9,
  finish_reason: "stop",
  degraded: [],
};
const response: ChatResponse = {
  session_id: "s",
  message_id: "m",
  answer: "Thirty days [1].",
  citations: [{ start: 0, end: 16, n: 1, spans: [] }],
  sources: [],
  metadata,
};
const message = (id: string, role: string, content: string): ChatMessage => ({
  id,
  role,
  content,
  status: "completed",
  created_at: "2026-11-21T12:00:00Z",
  citations: [],
  sources: [],
  metadata: role === "assistant" ? metadata : null,
});

describe("advance", () => {
  test("grows the answer sentence by sentence, then takes the final one", () => {
    let turn = newTurn("k", "How long?", null);
    turn = advance(turn, { type: "session", data: { session_id: "s", message_id: "m" } });
    expect(turn).toMatchObject({ sessionId: "s", messageId: "m", phase: "waiting" });
    turn = advance(turn, { type: "token", data: { text: "Thirty days " } });
    turn = advance(turn, { type: "token", data: { text: "[1]." } });
    expect(turn).toMatchObject({ answer: "Thirty days [1].", phase: "answering" });
    turn = advance(turn, { type: "done", data: response });
    expect(turn).toMatchObject({ phase: "done", metadata, citations: response.citations });
    expect(inProgress(turn)).toBe(false);
  });

  test("keeps what was said when an error ends the answer", () => {
    const begun = advance(newTurn("k", "?", null), { type: "token", data: { text: "So far" } });
    const failed = advance(begun, {
      type: "error",
      data: { code: "INTERNAL", message: "It broke.", details: {}, request_id: "r" },
    });
    expect(failed).toMatchObject({
      phase: "failed",
      answer: "So far",
      error: { message: "It broke.", requestId: "r" },
    });
  });
});

describe("storedTurns", () => {
  test("pairs each question with its answer", () => {
    const turns = storedTurns("s", [
      message("1", "user", "One?"),
      message("2", "assistant", "Yes."),
      message("3", "user", "Two?"),
      { ...message("4", "assistant", "So f"), status: "interrupted" },
      message("5", "user", "Three?"),
    ]);
    expect(turns.map(({ question, answer, phase }) => [question, answer, phase])).toEqual([
      ["One?", "Yes.", "done"],
      ["Two?", "So f", "failed"],
      ["Three?", "", "failed"],
    ]);
  });
});

describe("mergedTurns", () => {
  const stored = storedTurns("s", [message("1", "user", "One?"), message("m", "assistant", "Yes.")]);
  const live = { ...newTurn("live-1", "One?", "s"), messageId: "m" };

  test("shows a turn once when it is both stored and here", () => {
    expect(mergedTurns(stored, [live])).toEqual(stored);
  });

  test("shows the answer that is on its way in place of its stored question", () => {
    const half = storedTurns("s", [
      message("1", "user", "One?"),
      message("m", "assistant", "Yes."),
      message("3", "user", "Two?"),
    ]);
    const asked = { ...newTurn("live-2", "Two?", "s"), messageId: "n", answer: "So far" };
    expect(mergedTurns(half, [live, asked]).map((turn) => turn.key)).toEqual(["1", "live-2"]);
  });

  test("shows a repeated question as often as it was asked", () => {
    const again = { ...newTurn("live-2", "One?", "s"), messageId: "n" };
    expect(mergedTurns(stored, [again]).map((turn) => turn.messageId)).toEqual(["m", "n"]);
  });
});
