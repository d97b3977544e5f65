import { expect, test } from "vitest";

import type { SecurityEvent } from "../api/admin-contracts";
import { detailsOf, whenOf } from "./event";

const EVENT: SecurityEvent = {
  id: "e",
  kind: "injected_instructions",
  user_id: "u",
  message_id: "m",
  document_id: "d",
  chunk_id: "c",
  times: 1,
  first_at: "2026-01-05T09:30:00",
  last_at: "2026-01-05T11:00:00",
  details: { rules: ["share_data", "override"], score: 0.9, treatment: "drop" },
};

test.each<[Record<string, unknown>, string[]]>([
  [EVENT.details, ["rules: share data, override", "the passage was left out"]],
  [{ kinds: ["iban"] }, ["found: iban"]],
  [{ categories: ["violence"] }, ["categories: violence"]],
  [{ kinds: [], treatment: "toString", other: "x" }, []],
])("details %j are told as %j", (details, told) => {
  expect(detailsOf({ ...EVENT, details })).toEqual(told);
});

test("what was met again has a time from the first to the last", () => {
  expect(whenOf(EVENT)).toBe("5 Jan 2026, 11:00");
  expect(whenOf({ ...EVENT, times: 3 })).toBe("5 Jan 2026, 09:30 to 5 Jan 2026, 11:00");
  expect(whenOf({ ...EVENT, times: 3, last_at: EVENT.first_at })).toBe("5 Jan 2026, 09:30");
});
