import { beforeEach, describe, expect, test, vi } from "vitest";

import { LiveTurns } from "./live-turns";
import { newTurn } from "./turns";

/** The server's side: an answer that has begun and goes on until it is stopped, or a refusal. */
class Answering {
  readonly requests: { path: string; body: unknown }[] = [];
  refused = false;
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;

  readonly fetch = async (path: string, init: RequestInit): Promise<Response> => {
    this.requests.push({ path, body: init.body ? JSON.parse(String(init.body)) : null });
    if (path.endsWith("/stop")) {
      this.say("error", { code: "UNAVAILABLE", message: "Gone.", details: {}, request_id: "r" });
      return new Response(null, { status: 204 });
    }
    if (this.refused) return Response.json({ code: "QUOTA", message: "Enough." }, { status: 429 });
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (this.#stream = controller) });
    init.signal?.addEventListener("abort", () => this.#stream?.error(init.signal?.reason));
    this.say("session", { session_id: "s", message_id: "m" });
    this.say("token", { text: "So far" });
    return new Response(body);
  };

  say(event: string, data: object): void {
    this.#stream?.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  }
}

let server: Answering;
let live: LiveTurns;

beforeEach(() => {
  server = new Answering();
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal("navigator", {});
  live = new LiveTurns(() => undefined);
});

function only() {
  const [turn, ...others] = live.turns.get();
  expect(others).toEqual([]);
  return turn;
}

describe("stop", () => {
  test("names the answer to the server, and keeps what was said as stopped", async () => {
    const key = live.ask("How long?", "s");
    await vi.waitFor(() => expect(only()).toMatchObject({ phase: "answering", answer: "So far" }));
    await live.stop(key);
    expect(server.requests.at(-1)?.path).toBe("/chat/messages/m/stop");
    expect(only()).toMatchObject({ phase: "stopped", answer: "So far", messageId: "m", error: null });
    expect(only()?.endedAt).not.toBeNull();
  });

  test("closes the connection of an answer that has no name yet", async () => {
    const key = live.ask("How long?", "s");
    await live.stop(key);
    expect(server.requests.map(({ path }) => path)).not.toContain("/chat/messages/m/stop");
    expect(only()).toMatchObject({ phase: "stopped", error: null });
  });
});

test("another question in one's place is sent with the question that it replaces", async () => {
  live.ask("How short?", "s", "q");
  await vi.waitFor(() => expect(only()).toMatchObject({ phase: "answering", replaces: "q" }));
  expect(server.requests).toEqual([
    { path: "/chat", body: { message: "How short?", session_id: "s", edit_of: "q", stream: true } },
  ]);
  live.clear();
});

test("another answer is asked of the answer, and stands in its question's place", async () => {
  live.answerAgain({ ...newTurn("q", "How long?", "s"), questionId: "q", questionVersions: ["q"], messageId: "a" });
  await vi.waitFor(() => expect(only()).toMatchObject({ messageId: "m", questionId: "q", replaces: "q" }));
  expect(server.requests).toEqual([{ path: "/chat/messages/a/regenerate", body: { stream: true } }]);
  live.clear();
});

test("what was refused stays until it is tried again in the same place", async () => {
  server.refused = true;
  live.ask("How short?", "s", "q");
  await vi.waitFor(() => expect(only()).toMatchObject({ phase: "failed", error: { message: "Enough." } }));
  server.refused = false;
  live.ask("How short then?", "s", "q");
  expect(only()).toMatchObject({ question: "How short then?", phase: "waiting" });
  live.clear();
});
