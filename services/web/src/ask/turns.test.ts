import { describe, expect, test } from "vitest";

import type { AnswerMetadata, ChatMessage, ChatResponse } from "../api/contracts";
import { ApiError } from "../api/errors";
import { advance, inProgress, mergedTurns, newTurn, storedTurns, type Turn } from "./turns";

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
  parent_id: null,
  versions: [id],
  role,
  content,
  status: "completed",
  created_at: "2026-11-21T12:00:00Z",
  citations: [],
  sources: [],
  metadata: role === "assistant" ? metadata : null,
  feedback: null,
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

  test("knows the versions of question and answer, and the rating", () => {
    const question = { ...message("1", "user", "One?"), versions: ["0", "1"] };
    const feedback = { rating: 4, comment: "" };
    const answer = { ...message("2", "assistant", "Yes."), versions: ["2", "3"], feedback };
    expect(storedTurns("s", [question, answer])[0]).toMatchObject({
      questionVersions: ["0", "1"],
      answerVersions: ["2", "3"],
      feedback,
    });
  });
});

describe("mergedTurns", () => {
  const READ = 1_000;
  const stored = storedTurns("s", [
    message("1", "user", "One?"),
    message("m", "assistant", "Yes."),
    message("3", "user", "Two?"),
    message("n", "assistant", "No."),
  ]);
  const asked = (change: Partial<Turn>) => ({ ...newTurn("live-1", "One?", "s"), ...change });
  const keys = (turns: Turn[]) => turns.map((turn) => turn.key);
  const error = new ApiError(429, { code: "QUOTA", message: "Enough.", details: {}, request_id: "r" });

  test("shows a turn once when it is both stored and here", () => {
    expect(mergedTurns(stored, [asked({ messageId: "m", phase: "done", endedAt: 900 })], READ)).toEqual(stored);
  });

  test("shows the answer that is on its way in place of its stored question", () => {
    const half = [...stored, ...storedTurns("s", [message("5", "user", "Three?")])];
    const live = asked({ question: "Three?", messageId: "o", answer: "So far" });
    expect(keys(mergedTurns(half, [live], READ))).toEqual(["1", "3", "live-1"]);
  });

  test("shows a repeated question as often as it was asked", () => {
    expect(keys(mergedTurns(stored, [asked({ messageId: "o" })], READ))).toEqual(["1", "3", "live-1"]);
  });

  test("shows another answer or another question in its place, without what followed the first", () => {
    const again = asked({ replaces: "1", messageId: "o", phase: "answering" });
    expect(keys(mergedTurns(stored, [again], READ))).toEqual(["live-1"]);
    expect(keys(mergedTurns(stored, [{ ...again, phase: "done", endedAt: READ + 1 }], READ))).toEqual(["live-1"]);
  });

  test("leaves out what ended before the reading and is on a branch that isn't shown", () => {
    const left = asked({ replaces: "1", messageId: "o", phase: "done", endedAt: READ });
    expect(mergedTurns(stored, [left], READ)).toEqual(stored);
  });

  test("keeps the branch that another question couldn't replace, and what was asked", () => {
    const refused = asked({ question: "Won?", replaces: "1", phase: "failed", error, endedAt: 900 });
    const turns = mergedTurns(stored, [refused], READ);
    expect(keys(turns)).toEqual(["1", "3"]);
    expect(turns[0]?.refused).toMatchObject({ question: "Won?", error });
  });

  test("keeps a question that couldn't be asked at the end, and why", () => {
    const refused = asked({ phase: "failed", error, endedAt: 900 });
    expect(mergedTurns(stored, [refused], READ).at(-1)).toBe(refused);
  });

  test("keeps why an answer failed that is stored", () => {
    const failed = asked({ messageId: "n", phase: "failed", error, endedAt: 900 });
    expect(mergedTurns(stored, [failed], READ)[1]).toMatchObject({ key: "3", error });
  });

  test("shows a stopped answer as stopped before storage knows", () => {
    const generating = stored.with(1, { ...stored[1]!, phase: "answering" });
    const stopped = asked({ messageId: "n", phase: "stopped", answer: "So", endedAt: 900 });
    expect(mergedTurns(generating, [stopped], READ)[1]).toBe(stopped);
    expect(mergedTurns(stored, [stopped], READ)).toEqual(stored);
  });

  test("shows a question once that was stopped before its answer had a name", () => {
    const stopped = asked({ question: "Two?", phase: "stopped", endedAt: 900 });
    expect(keys(mergedTurns(stored, [stopped], READ))).toEqual(["1", "3"]);
  });
});
