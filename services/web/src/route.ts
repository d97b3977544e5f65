import { useSyncExternalStore } from "react";

export type Route =
  | { page: "ask" }
  | { page: "session"; sessionId: string }
  | { page: "documents" }
  | { page: "document"; documentId: string }
  | { page: "usage" }
  | { page: "feedback" }
  | { page: "reviews" }
  | { page: "security-events" }
  | { page: "answer-cache" }
  | { page: "settings" }
  | { page: "share"; token: string };

const SHARE_TOKEN = /^fs_[0-9a-f]{64}$/;
const PLAIN = ["documents", "usage", "feedback", "reviews", "security-events", "answer-cache", "settings"] as const;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** The page that a location's hash names; anything unknown is the first page. */
export function routeOf(hash: string): Route {
  const [page, id = ""] = hash.replace(/^#\/?/, "").split("/");
  if (page === "sessions" && UUID.test(id)) return { page: "session", sessionId: id };
  if (page === "share" && SHARE_TOKEN.test(id)) return { page: "share", token: id };
  if (page === "documents" && UUID.test(id)) return { page: "document", documentId: id };
  const plain = PLAIN.find((one) => one === page);
  return { page: plain ?? "ask" };
}

export function hashOf(route: Route): string {
  if (route.page === "session") return `#/sessions/${route.sessionId}`;
  if (route.page === "document") return `#/documents/${route.documentId}`;
  if (route.page === "share") return `#/share/${route.token}`;
  return route.page === "ask" ? "#/" : `#/${route.page}`;
}

export function useRoute(): Route {
  return routeOf(useSyncExternalStore(subscribe, currentHash));
}

/** Settles when the page is shown. */
export async function go(route: Route): Promise<void> {
  const hash = hashOf(route);
  if (location.hash === hash) return;
  const shown = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  location.hash = hash;
  await shown;
}

/** As `go`, in place of the current entry of the browser's history. */
export function replaceRoute(route: Route): void {
  location.replace(hashOf(route));
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

function currentHash(): string {
  return location.hash;
}
