import { expect, test } from "vitest";

import { hashOf, routeOf, type Route } from "./route";

const SESSION = "0b5e8a3c-1111-4222-8333-444455556666";

test.each<[Route]>([
  [{ page: "ask" }],
  [{ page: "documents" }],
  [{ page: "usage" }],
  [{ page: "feedback" }],
  [{ page: "reviews" }],
  [{ page: "security-events" }],
  [{ page: "answer-cache" }],
  [{ page: "settings" }],
  [{ page: "document", documentId: SESSION }],
  [{ page: "session", sessionId: SESSION }],
  [{ page: "share", token: `fs_${"0a".repeat(32)}` }],
])("%j is found again by its hash", (route) => {
  expect(routeOf(hashOf(route))).toEqual(route);
});

test.each(["", "#", "#/nowhere", "#/sessions", "#/sessions/..%2Fusers", "#/sessions/1?x=2", "#/share/fs_1"])(
  "%j is the first page",
  (hash) => {
    expect(routeOf(hash)).toEqual({ page: "ask" });
  },
);
