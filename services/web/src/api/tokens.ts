import type { TokenPair } from "./contracts";
import { errorOf, unreachable } from "./errors";
import { Store } from "../store";

/** `expiresAt` is this browser's clock, in milliseconds. */
export interface Tokens {
  access: string;
  refresh: string;
  expiresAt: number;
}

const KEY = "footnote.tokens";
const REFRESH_BEFORE_MS = 30_000;

/** The signed-in user's tokens, null when signed out; the same in every tab of this browser. */
export const tokens = new Store<Tokens | null>(stored());

/** Whether the user was signed out without wishing it: the server no longer took their tokens. */
export const ended = new Store(false);

// Signing out (or in) in one tab counts in the others.
globalThis.addEventListener?.("storage", (event) => {
  if (event.key === KEY || event.key === null) tokens.set(stored());
});

export function keepTokens(pair: TokenPair): Tokens {
  const kept = {
    access: pair.access_token,
    refresh: pair.refresh_token,
    expiresAt: Date.now() + pair.expires_in * 1000,
  };
  tokens.set(kept);
  ended.set(false);
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Storage is blocked or full: signed in until this page is closed.
  }
  return kept;
}

export function forgetTokens(): void {
  tokens.set(null);
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was kept there.
  }
}

/** An access token that has some life left, null when signed out. */
export async function accessToken(): Promise<string | null> {
  const current = tokens.get();
  if (!current) return null;
  if (current.expiresAt - Date.now() > REFRESH_BEFORE_MS) return current.access;
  return refreshed(current.access);
}

/** A newer access token than `stale`; null, and signed out, where the refresh token no longer counts. */
export function refreshed(stale: string): Promise<string | null> {
  return oneAtATime(async () => {
    // Another tab may have been faster; a refresh token counts once.
    const current = stored() ?? tokens.get();
    if (!current) return null;
    if (current.access !== stale) {
      tokens.set(current);
      return current.access;
    }
    const response = await fetch("/auth/refresh", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh_token: current.refresh }),
    }).catch(() => Promise.reject(unreachable()));
    if (tokens.get()?.refresh !== current.refresh) return tokens.get()?.access ?? null;
    if (response.status === 401) {
      ended.set(true);
      forgetTokens();
      return null;
    }
    if (!response.ok) throw errorOf(response.status, await response.text(), response.headers.get("X-Request-ID"));
    return keepTokens((await response.json()) as TokenPair).access;
  });
}

let last: Promise<unknown> = Promise.resolve();

/** Runs `work` after every earlier one, across tabs where the browser offers locks (secure origins and localhost). */
function oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
  const locks = (navigator as Partial<Navigator>).locks;
  if (locks) return locks.request(KEY, work) as Promise<Result>;
  const result = last.then(work);
  last = result.catch(() => undefined);
  return result;
}

function stored(): Tokens | null {
  try {
    const text = localStorage.getItem(KEY);
    const value: unknown = text ? JSON.parse(text) : null;
    return isTokens(value) ? value : null;
  } catch {
    return null;
  }
}

function isTokens(value: unknown): value is Tokens {
  if (typeof value !== "object" || value === null) return false;
  const { access, refresh, expiresAt } = value as Partial<Tokens>;
  return typeof access === "string" && typeof refresh === "string" && typeof expiresAt === "number";
}
