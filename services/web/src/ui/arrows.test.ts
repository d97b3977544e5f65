import { expect, test } from "vitest";

import { arrowTarget } from "./arrows";

const LIST = ["a", "b", "c"];

test.each([
  ["ArrowDown", "a", "b"],
  ["ArrowDown", "c", "a"],
  ["ArrowUp", "a", "c"],
  ["ArrowUp", "elsewhere", "c"],
  ["ArrowDown", "elsewhere", "a"],
  ["Home", "c", "a"],
  ["End", "a", "c"],
  ["Enter", "a", null],
  ["toString", "a", null],
])("%s from %s goes to %s", (key, target, expected) => {
  expect(arrowTarget({ key, target }, LIST)).toBe(expected);
});

test("there is nowhere to go in an empty list", () => {
  expect(arrowTarget({ key: "End", target: null }, [])).toBeNull();
});
