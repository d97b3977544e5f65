import { QueryClient } from "@tanstack/react-query";

import type { ChatSession } from "./api/contracts";
import { ApiError, retryAfterMs } from "./api/errors";
import { Drafts } from "./ask/drafts";
import { LiveTurns } from "./ask/live-turns";
import { Uploads } from "./documents/uploads";
import { Store } from "./store";

const RETRIES = 2;
const SERVER_ERROR = 500;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Only what may pass by itself is tried again: a request that wasn't right stays wrong.
      retry: (failures, error) =>
        failures < RETRIES && error instanceof ApiError && (error.status === 0 || error.status >= SERVER_ERROR),
      // What was asked too soon heals by itself; else the account and its pages would stay away until a reload.
      refetchInterval: ({ state }) => retryAfterMs(state.error),
    },
  },
});

export const liveTurns = new LiveTurns(() => {
  void readAgain("sessions");
  void readAgain("usage");
});

export const uploads = new Uploads(() => {
  void readAgain("documents");
  void readAgain("usage");
});

/** The conversation that was deleted last, while that can be undone at once. */
export const binned = new Store<ChatSession | null>(null);

/** Questions that are being written, by their conversation; they survive a look at another page. */
export const drafts = new Drafts();

/** Has everything that shows conversations, but not their messages, read them again. */
export async function sessionsChanged(): Promise<void> {
  await Promise.all(["sessions", "session"].map(readAgain));
}

/** Has what is shown under the key read again; a read that is under way may not know of the change. */
export async function readAgain(key: string): Promise<void> {
  // Invalidating alone lets a first read go on and takes what it finds for new.
  await queryClient.cancelQueries({ queryKey: [key] });
  await queryClient.invalidateQueries({ queryKey: [key] });
}

/** Forgets what is kept here of a conversation. */
export function forgetSession(sessionId: string): void {
  liveTurns.forget(sessionId);
  drafts.forget(sessionId);
  for (const kept of ["session", "messages"]) queryClient.removeQueries({ queryKey: [kept, sessionId] });
}

/** Forgets everything that belonged to the user who was signed in. */
export function forgetUser(): void {
  liveTurns.clear();
  uploads.clear();
  drafts.clear();
  binned.set(null);
  queryClient.clear();
}
