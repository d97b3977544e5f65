import { expect, test } from "vitest";

import type { AnswerPolicy } from "../api/admin-contracts";
import { changeOf, CHOICES, SWITCHES } from "./policy";

const KEPT: AnswerPolicy = {
  mode: "auto",
  unsupported: "cut",
  injected: "drop",
  personal_data: "allow",
  moderate_questions: false,
  moderate_answers: false,
  cache_answers: true,
  caution: "normal",
  instructions: "",
};

test("only what differs is sent", () => {
  expect(changeOf(KEPT, KEPT)).toEqual({});
  expect(changeOf(KEPT, { ...KEPT, mode: "extractive", cache_answers: false })).toEqual({
    mode: "extractive",
    cache_answers: false,
  });
  expect(changeOf({ ...KEPT, instructions: "Be brief." }, KEPT)).toEqual({ instructions: "" });
});

test("every field of the policy can be set, and its default is among its values", () => {
  const shown = [...CHOICES, ...SWITCHES].map(({ field }) => field);
  expect([...shown, "instructions"].toSorted()).toEqual(Object.keys(KEPT).toSorted());
  for (const { field, values } of CHOICES) expect(values.map(({ value }) => value)).toContain(KEPT[field]);
});
