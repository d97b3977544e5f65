import { expect, test } from "vitest";

import { shownValue, stepOf } from "./trace-steps";

test("a step's name and time stand apart, lists of records become tables, all else stays a fact", () => {
  const candidates = [
    { title: "Leave", lexical_rank: 1 },
    { title: "Pay", score: 0.5 },
  ];
  const step = stepOf({ step: "retrieve", ms: 12.5, strategy: "hybrid", degraded: [], candidates }, 1);
  expect(step).toEqual({
    name: "Retrieve",
    milliseconds: 12.5,
    facts: [
      { label: "Strategy", value: "hybrid" },
      { label: "Degraded", value: [] },
    ],
    tables: [
      {
        label: "Candidates",
        columns: [
          { key: "title", label: "Title" },
          { key: "lexical_rank", label: "Lexical rank" },
          { key: "score", label: "Score" },
        ],
        rows: candidates,
      },
    ],
  });
});

test("a step without a name is known by its number, and loses nothing", () => {
  expect(stepOf({ note: "kept" }, 3)).toMatchObject({
    name: "Step 3",
    milliseconds: null,
    facts: [{ label: "Note", value: "kept" }],
  });
});

test("values are in words, and known ids by name", () => {
  const names = new Map([["0b5e", "[1] Leave"]]);
  const values = [
    "0b5e",
    "0b5e8a3c-1111-4222-8333-444455556666",
    0.03214,
    1200,
    true,
    null,
    [],
    ["0b5e", "x"],
    { lexical: 3, vector: 2 },
  ];
  expect(values.map((value) => shownValue(value, names))).toEqual([
    "[1] Leave",
    "0b5e8a3c…",
    "0.0321",
    "1,200",
    "yes",
    "–",
    "–",
    "[1] Leave, x",
    "lexical 3, vector 2",
  ]);
});
