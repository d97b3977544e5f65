import { expect, test } from "vitest";

import { ApiError, fieldsOf, retryAfterMs } from "./errors";

const refused = (details: Record<string, unknown>) =>
  new ApiError(422, { code: "VALIDATION_ERROR", message: "No.", details, request_id: "r" });

test("each field that was refused is named with its reason", () => {
  const fields = [
    { field: "title", message: "Field required" },
    { field: "body", message: "message 0 should be the user's" },
  ];
  expect(fieldsOf(refused({ fields }))).toEqual(fields);
});

const STRANGE = [{}, { fields: "none" }, { fields: [null, 1, { field: 2 }] }].map(refused);

test.each([...STRANGE, new Error("x"), null])("%j names no field", (thrown) => {
  expect(fieldsOf(thrown)).toEqual([]);
});

test("only a request that came too soon says when to come again", () => {
  const of = (code: string, details = { retry_after_s: 3 }) =>
    retryAfterMs(new ApiError(429, { code, message: "No.", details, request_id: "r" }));
  expect([of("RATE_LIMITED"), of("QUOTA_EXCEEDED"), retryAfterMs(new Error("x"))]).toEqual([3000, false, false]);
});
