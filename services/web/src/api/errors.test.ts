import { expect, test } from "vitest";

import { ApiError, fieldsOf } from "./errors";

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
