import type { ErrorEnvelope } from "./contracts";

/** An error that a person is meant to read. `status` is 0 where no answer came; `requestId` is empty there. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: Record<string, unknown>;
  readonly requestId: string;

  constructor(status: number, envelope: ErrorEnvelope) {
    super(envelope.message);
    this.name = "ApiError";
    this.status = status;
    this.code = envelope.code;
    this.details = envelope.details;
    this.requestId = envelope.request_id;
  }
}

/** The error of an answer that isn't a success, from its text; an answer without an envelope is described by its status. */
export function errorOf(status: number, body: string, requestId: string | null): ApiError {
  const envelope = envelopeOf(body);
  if (envelope) return new ApiError(status, envelope);
  return new ApiError(status, {
    code: `HTTP_${status}`,
    message: `Footnote answered with status ${status} and no explanation.${status >= 500 ? " Try again in a moment." : ""}`,
    details: {},
    request_id: requestId ?? "",
  });
}

/** The error for a request that got no answer at all. */
export function unreachable(): ApiError {
  return new ApiError(0, {
    code: "UNREACHABLE",
    message: "Footnote can't be reached. Check your connection, then try again.",
    details: {},
    request_id: "",
  });
}

/** The error for a stream that ended before its answer did, or that can't be read. */
export function brokenOff(requestId: string): ApiError {
  return new ApiError(0, {
    code: "BROKEN_OFF",
    message: "The answer broke off before it was complete. Ask again.",
    details: {},
    request_id: requestId,
  });
}

/** Any thrown value as an ApiError; a deliberate abort isn't an error and must be handled before. */
export function asApiError(thrown: unknown): ApiError {
  return thrown instanceof ApiError ? thrown : unreachable();
}

/** In how many milliseconds a request that came too soon may be sent again; false for every other error. */
export function retryAfterMs(thrown: unknown): number | false {
  if (!(thrown instanceof ApiError) || thrown.code !== "RATE_LIMITED") return false;
  const seconds = thrown.details["retry_after_s"];
  return typeof seconds === "number" ? seconds * 1000 : false;
}

/** What a refused request says of each of its fields; empty for other errors. */
export function fieldsOf(thrown: unknown): { field: string; message: string }[] {
  const fields = thrown instanceof ApiError ? thrown.details["fields"] : null;
  if (!Array.isArray(fields)) return [];
  return fields.flatMap((entry: unknown) => {
    const { field, message } = (entry ?? {}) as Record<string, unknown>;
    if (typeof field !== "string" || typeof message !== "string") return [];
    return [{ field, message }];
  });
}

export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "AbortError";
}

function envelopeOf(body: string): ErrorEnvelope | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const { code, message, details, request_id } = parsed as Partial<ErrorEnvelope>;
  if (typeof code !== "string" || typeof message !== "string") return null;
  return { code, message, details: details ?? {}, request_id: request_id ?? "" };
}
