import { expect, test } from "vitest";

import { Drafts } from "./drafts";

test("what is written while the first answer comes goes on in its conversation", () => {
  const drafts = new Drafts();
  drafts.keep(null, "And wh");
  drafts.begun("one");
  expect([drafts.of("one"), drafts.of(null)]).toEqual(["And wh", ""]);
});

test("each conversation keeps its own draft, until it is asked or forgotten", () => {
  const drafts = new Drafts();
  drafts.keep("one", "Who?");
  drafts.keep("two", "Where?");
  drafts.keep("one", "");
  expect([drafts.of("one"), drafts.of("two")]).toEqual(["", "Where?"]);
  drafts.forget("two");
  expect(drafts.of("two")).toBe("");
});
