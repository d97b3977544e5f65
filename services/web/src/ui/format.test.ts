import { expect, test } from "vitest";

import { counted, formatBytes, formatDuration } from "./format";

test.each([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1_000, "1 kB"],
  [1_540, "1.5 kB"],
  [100_000_000, "100 MB"],
  [999_600, "1 MB"],
  [10_000_000_000, "10 GB"],
])("%d bytes are %j, counted as plans count them", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("durations are in the unit a person would say", () => {
  expect([0.4, 812.3, 1_249, 61_000].map(formatDuration)).toEqual(["0 ms", "812 ms", "1.2 s", "61 s"]);
});

test("one thing is singular", () => {
  expect([counted(0, "passage"), counted(1, "passage"), counted(1_200, "passage")]).toEqual([
    "0 passages",
    "1 passage",
    "1,200 passages",
  ]);
});
