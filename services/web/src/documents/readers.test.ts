import { expect, test } from "vitest";

import { readers } from "./readers";

test("who may read a document is told where it isn't everyone in the organisation", () => {
  expect([readers("organization"), readers("private"), readers("public")]).toEqual(["", "only you", "public"]);
  expect(readers({ groups: ["a", "b"] })).toBe("2 groups");
});
