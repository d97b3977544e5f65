import { EventSourceParserStream } from "eventsource-parser/stream";

import type { AnswerEvent, ErrorEnvelope } from "./contracts";
import { brokenOff } from "./errors";

const TYPES: ReadonlySet<string> = new Set<AnswerEvent["type"]>([
  "session",
  "sources",
  "token",
  "citation",
  "unsupported",
  "done",
  "error",
]);

/**
 * The events of a streamed answer, up to and including its `done` or `error`.
 *
 * Comments and unknown events are passed over. A stream that can't be read or ends earlier yields an `error` event of
 * its own, so that whoever reads always learns how it ended. An abort is thrown as AbortError.
 */
export async function* answerEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  requestId: string,
): AsyncGenerator<AnswerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!value.event || !TYPES.has(value.event)) continue;
      const event = { type: value.event, data: JSON.parse(value.data) as unknown } as AnswerEvent;
      yield event;
      if (event.type === "done" || event.type === "error") return;
    }
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "AbortError") throw thrown;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  yield { type: "error", data: envelope(requestId) };
}

function envelope(requestId: string): ErrorEnvelope {
  const { code, message, details } = brokenOff(requestId);
  return { code, message, details, request_id: requestId };
}
