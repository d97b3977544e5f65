import { describe, expect, test } from "vitest";

import type { Citation } from "../api/contracts";
import { answerPieces, citedNumbers, spansOf } from "./citations";

const citation = (start: number, end: number, n: number): Citation => ({
  start,
  end,
  n,
  spans: [{ start: 0, end: n }],
});
const cited = (answer: string, ...citations: Citation[]) =>
  answerPieces(answer, citations)
    .filter((piece) => piece.citation)
    .map((piece) => [piece.text, piece.at, piece.citation?.start]);

describe("answerPieces", () => {
  test("finds the markers that follow a cited sentence", () => {
    const answer = "Thirty days. [1][2] More. [1]";
    expect(cited(answer, citation(0, 12, 1), citation(0, 12, 2), citation(20, 25, 1))).toEqual([
      ["[1]", 13, 0],
      ["[2]", 16, 0],
      ["[1]", 26, 20],
    ]);
  });

  test("counts places in code points", () => {
    expect(cited("𝛼𝛽𝛾 days. [2]", citation(0, 9, 2))).toEqual([["[2]", 13, 0]]);
  });

  test("leaves what merely looks like a marker as text", () => {
    expect(cited("See [12] and [1] in the annex.")).toEqual([]);
    expect(cited("See [1] and [2] there. [1]", citation(0, 22, 1))).toEqual([["[1]", 23, 0]]);
    expect(cited("It is so. [3] says otherwise. [1]", citation(0, 9, 1), citation(10, 29, 1))).toEqual([
      ["[1]", 30, 10],
    ]);
  });

  test.each(["", "no markers", "𝛼 is. [1][2] <b>x</b> ![a](http://b) [3]"])("loses no character of %j", (answer) => {
    const pieces = answerPieces(answer, [citation(0, 5, 1), citation(0, 5, 2), citation(40, 90, 3)]);
    expect(pieces.map((piece) => piece.text).join("")).toBe(answer);
  });
});

test("answerPieces sets sentences without a source apart, and loses no character", () => {
  const answer = "𝛼 is so. [unsupported] Thirty days. [1]";
  const pieces = answerPieces(answer, [citation(23, 35, 1)], [{ start: 0, end: 8 }]);
  expect(pieces.map((piece) => piece.text)).toEqual(["𝛼 is so.", " [unsupported] Thirty days. ", "[1]"]);
  expect(pieces.map((piece) => piece.unsupported)).toEqual([true, false, false]);
});

test("citedNumbers names each source once, by its first citation", () => {
  expect(citedNumbers([citation(20, 30, 1), citation(0, 5, 3), citation(6, 9, 1)])).toEqual([3, 1]);
});

test("spansOf gathers what all citations of a source point at", () => {
  expect(spansOf([citation(0, 5, 3), citation(6, 9, 1), citation(9, 12, 3)], 3)).toEqual([
    { start: 0, end: 3 },
    { start: 0, end: 3 },
  ]);
});
