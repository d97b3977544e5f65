import { QueryClient } from "@tanstack/react-query";

import { ApiError } from "./api/errors";
import { LiveTurns } from "./ask/live-turns";
import { Uploads } from "./documents/uploads";

const RETRIES = 2;
const SERVER_ERROR = 500;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Only what may pass by itself is tried again: a request that wasn't right stays wrong.
      retry: (failures, error) =>
        failures < RETRIES && error instanceof ApiError && (error.status === 0 || error.status >= SERVER_ERROR),
    },
  },
});

export const liveTurns = new LiveTurns(() => {
  void queryClient.invalidateQueries({ queryKey: ["sessions"] });
  void queryClient.invalidateQueries({ queryKey: ["usage"] });
});

export const uploads = new Uploads(() => {
  void queryClient.invalidateQueries({ queryKey: ["documents"] });
  void queryClient.invalidateQueries({ queryKey: ["usage"] });
});

/** Forgets everything that belonged to the user who was signed in. */
export function forgetUser(): void {
  liveTurns.clear();
  uploads.clear();
  queryClient.clear();
}
