import { expect, test } from "vitest";

import { figuresOf } from "./figures";

const EMPTY = { exact_hits: 0, semantic_hits: 0, misses: 0, saved_tokens: 0, entries: 0, size_bytes: 0 };

test("both kinds of hits count towards the rate", () => {
  const figures = figuresOf({ ...EMPTY, exact_hits: 2, semantic_hits: 1, misses: 5, saved_tokens: 1_200, entries: 4 });
  expect(figures.map(({ value }) => value)).toEqual(["37.5 %", "3", "5", "1,200", "4"]);
  expect(figures[0]?.about).toBe("of 8 questions");
});

test("a cache that nobody asked has no rate", () => {
  expect(figuresOf(EMPTY)[0]).toMatchObject({ value: "–", about: "nothing was asked yet" });
});
