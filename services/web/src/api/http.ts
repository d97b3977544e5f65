import { errorOf, isAbort, unreachable } from "./errors";
import { accessToken, refreshed } from "./tokens";

const UNAUTHENTICATED = 401;

/** The successful answer to a request made as the signed-in user. Throws ApiError, or AbortError when aborted. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const token = await accessToken();
  const response = await attempt(path, init, token);
  if (response.status !== UNAUTHENTICATED || !token) return succeeded(response);
  // The server's clock decides: a token that looks alive here may have ended there.
  const newer = await refreshed(token);
  return succeeded(newer ? await attempt(path, init, newer) : response);
}

/** As `send`, with the answer's JSON. */
export async function sendForJson<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await send(path, init);
  return (await response.json()) as Answer;
}

/** As `sendForJson`, as a guest who holds a share link, whoever is signed in here. */
export async function sendAsGuest<Answer>(link: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await succeeded(await attempt(path, init, link));
  return (await response.json()) as Answer;
}

/** A JSON POST without a token, for signing in. */
export async function postAnonymously<Answer>(path: string, body: object): Promise<Answer> {
  const response = await succeeded(await attempt(path, jsonBody(body), null));
  return (await response.json()) as Answer;
}

export function jsonBody(body: object, method = "POST"): RequestInit {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** A path with its filters, those that are set, and the place where its next page begins. */
export function paged(path: string, cursor: string | null, filters: Record<string, string> = {}): string {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ""));
  if (cursor !== null) query.set("cursor", cursor);
  return query.size > 0 ? `${path}?${query}` : path;
}

async function attempt(path: string, init: RequestInit, token: string | null): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(path, { ...init, headers });
  } catch (thrown) {
    throw isAbort(thrown) ? thrown : unreachable();
  }
}

async function succeeded(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw errorOf(response.status, await response.text(), response.headers.get("X-Request-ID"));
}
