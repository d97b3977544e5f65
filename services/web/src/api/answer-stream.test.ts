import { describe, expect, test } from "vitest";

import { answerEvents } from "./answer-stream";
import type { AnswerEvent } from "./contracts";

const DONE = 'event: done\ndata: {"answer": "x"}\n\n';

function streamOf(chunks: Uint8Array<ArrayBuffer>[], fail?: Error): ReadableStream<Uint8Array<ArrayBuffer>> {
  const left = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift();
      if (chunk) controller.enqueue(chunk);
      else if (fail) controller.error(fail);
      else controller.close();
    },
  });
}

async function read(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of answerEvents(body, "request-1")) events.push(event);
  return events;
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

const types = (events: AnswerEvent[]) => events.map((event) => event.type);

describe("answerEvents", () => {
  test("reads the same events however the bytes are cut, within characters and line ends too", async () => {
    const text = `event: token\r\ndata: {"text": "é 𝛼 漢"}\r\n\r\n: still here\n\nevent: citation\ndata: {"n": 1,\ndata: "start": 0}\n\n${DONE}`;
    const whole = bytes(text);
    const expected = await read(streamOf([whole]));
    expect(types(expected)).toEqual(["token", "citation", "done"]);
    expect(expected[0]?.data).toEqual({ text: "é 𝛼 漢" });
    expect(expected[1]?.data).toEqual({ n: 1, start: 0 });
    for (let size = 1; size <= 7; size += 1) {
      const chunks: Uint8Array<ArrayBuffer>[] = [];
      for (let at = 0; at < whole.length; at += size) chunks.push(whole.slice(at, at + size));
      expect(await read(streamOf(chunks))).toEqual(expected);
    }
  });

  test("passes over comments and events it doesn't know", async () => {
    const text = `: heartbeat\n\nevent: weather\ndata: {}\n\ndata: unnamed\n\n${DONE}`;
    expect(types(await read(streamOf([bytes(text)])))).toEqual(["done"]);
  });

  test("ends at done, whatever follows", async () => {
    expect(types(await read(streamOf([bytes(`${DONE}event: token\ndata: {"text": "late"}\n\n`)])))).toEqual(["done"]);
  });

  test("says that the answer broke off when the stream ends without done", async () => {
    const events = await read(streamOf([bytes('event: token\ndata: {"text": "Half"}\n\nevent: done\ndata: {"ans')]));
    expect(types(events)).toEqual(["token", "error"]);
    expect(events[1]?.data).toMatchObject({ code: "BROKEN_OFF", request_id: "request-1" });
  });

  test("says the same when the connection fails or an event can't be read", async () => {
    expect(types(await read(streamOf([bytes(": hi\n\n")], new TypeError("network error"))))).toEqual(["error"]);
    expect(types(await read(streamOf([bytes("event: token\ndata: {not json\n\n")])))).toEqual(["error"]);
  });

  test("passes an abort on, since stopping isn't a failure", async () => {
    const abort = new DOMException("stopped", "AbortError");
    await expect(read(streamOf([bytes(": hi\n\n")], abort))).rejects.toThrow("stopped");
  });

  test("lets go of the connection when its reader does", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => controller.enqueue(bytes('event: token\ndata: {"text": "a"}\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const event of answerEvents(body, "")) {
      expect(event.type).toBe("token");
      break;
    }
    expect(cancelled).toBe(true);
  });
});
