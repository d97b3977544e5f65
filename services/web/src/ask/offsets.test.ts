import { describe, expect, test } from "vitest";

import { codePointLength, markedPieces, utf16Offsets } from "./offsets";

const marked = (text: string, ...spans: [number, number][]) =>
  markedPieces(
    text,
    spans.map(([start, end]) => ({ start, end })),
  );
const marks = (text: string, ...spans: [number, number][]) =>
  marked(text, ...spans)
    .filter((piece) => piece.marked)
    .map((piece) => piece.text);

describe("utf16Offsets", () => {
  test("leaves places alone where every character is one unit", () => {
    const at = utf16Offsets("naïve – ok");
    expect([0, 3, 10].map(at)).toEqual([0, 3, 10]);
  });

  test("counts a character beyond U+FFFF as one place and two units", () => {
    const at = utf16Offsets("a𝛼b𠮷c");
    expect([0, 1, 2, 3, 4, 5].map(at)).toEqual([0, 1, 3, 4, 6, 7]);
  });

  test("keeps combining marks and joined characters apart, as the server does", () => {
    const family = "👩‍👧";
    expect(codePointLength(family)).toBe(3);
    expect(utf16Offsets(`${family}.`)(3)).toBe(family.length);
  });

  test("holds places outside the text to its ends", () => {
    const at = utf16Offsets("𝛼");
    expect([-1, 1, 99].map(at)).toEqual([0, 2, 2]);
  });
});

describe("markedPieces", () => {
  test("marks what the span's code points cover, not its UTF-16 units", () => {
    expect(marks("𝛼𝛽 is 30 days. Rest.", [3, 14])).toEqual(["is 30 days."]);
  });

  test("joins overlapping and touching spans, in whatever order they come", () => {
    expect(marks("abcdefgh", [4, 6], [0, 2], [1, 4])).toEqual(["abcdef"]);
  });

  test("keeps separate spans separate", () => {
    expect(marks("abcdefgh", [6, 7], [1, 3])).toEqual(["bc", "g"]);
  });

  test("marks nothing for spans that are empty, reversed or outside", () => {
    expect(marked("abc", [1, 1], [2, 1], [7, 9])).toEqual([{ text: "abc", at: 0, marked: false }]);
  });

  test.each(["", "plain", "𝛼𝛽𝛾 δ\n\n  é", "👩‍👧 and 𠮷"])("loses no character of %j", (text) => {
    for (let start = -1; start < 8; start += 1) {
      for (let end = start; end < 9; end += 1) {
        const pieces = marked(text, [start, end], [2, 4]);
        expect(pieces.map((piece) => piece.text).join("")).toBe(text);
        for (const piece of pieces) expect(text.slice(piece.at, piece.at + piece.text.length)).toBe(piece.text);
      }
    }
  });
});
