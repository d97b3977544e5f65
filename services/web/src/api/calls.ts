import type {
  AnswerTrace,
  ChatMessage,
  ChatSession,
  Feedback,
  Instructions,
  Page,
  PassageInContext,
  SearchResponse,
  SessionChange,
  StoredDocument,
  TokenPair,
  Usage,
  User,
  Which,
} from "./contracts";
import { jsonBody, paged, postAnonymously, send, sendAsGuest, sendForJson } from "./http";
import { forgetTokens, keepTokens, tokens } from "./tokens";

// Each answer has what is listed read again, whole: in the fewest requests that it takes.
const LONGEST_PAGE = "100";

/** What an invitation's token leads to is joined with it. */
export async function signIn(email: string, password: string, invitation: string): Promise<void> {
  const joined = { invitation_token: invitation.trim() || null };
  keepTokens(await postAnonymously<TokenPair>("/auth/login", { email, password, ...joined }));
}

/** Makes an account, in the organisation of an invitation or in one of its own, and signs in to it. */
export async function register(
  email: string,
  password: string,
  { organization, invitation }: { organization: string; invitation: string },
): Promise<void> {
  const joined = { invitation_token: invitation.trim() || null, organization_name: organization.trim() || null };
  await postAnonymously<unknown>("/auth/register", { email, password, ...joined });
  await signIn(email, password, "");
}

/** Signs out here at once, and tells the server as well as it can. */
export async function signOut(): Promise<void> {
  if (!tokens.get()) return;
  const told = send("/auth/logout", { method: "POST" }).catch(() => undefined);
  forgetTokens();
  await told;
}

export function me(): Promise<User> {
  return sendForJson("/users/me");
}

export function sessions(which: Which, words: string, cursor: string | null): Promise<Page<ChatSession>> {
  return sendForJson(paged("/chat/sessions", cursor, { which, q: words, limit: LONGEST_PAGE }));
}

export function session(sessionId: string): Promise<ChatSession> {
  return sendForJson(`/chat/sessions/${sessionId}`);
}

export function changeSession(sessionId: string, change: SessionChange): Promise<ChatSession> {
  return sendForJson(`/chat/sessions/${sessionId}`, jsonBody(change, "PATCH"));
}

export function restoreSession(sessionId: string): Promise<ChatSession> {
  return sendForJson(`/chat/sessions/${sessionId}/restore`, { method: "POST" });
}

/** A session as a file, and the name the server gives it. */
export async function exportSession(sessionId: string, format: "json" | "markdown"): Promise<File> {
  const response = await send(`/chat/sessions/${sessionId}/export?format=${format}`);
  const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
  return new File([await response.blob()], named?.[1] ?? `conversation.${format === "json" ? "json" : "md"}`);
}

/** Takes an exported conversation in, as a new session. */
export async function importSession(file: File): Promise<ChatSession> {
  const headers = { "Content-Type": "application/json" };
  return sendForJson("/chat/sessions/import", { method: "POST", headers, body: await file.text() });
}

/** The branch of a session that is shown, oldest message first. */
export async function messages(sessionId: string): Promise<ChatMessage[]> {
  const items: ChatMessage[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<ChatMessage> = await sendForJson(
      paged(`/chat/sessions/${sessionId}/messages`, cursor, { limit: LONGEST_PAGE }),
    );
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}

/** Puts a session into the bin. */
export async function deleteSession(sessionId: string): Promise<void> {
  await send(`/chat/sessions/${sessionId}`, { method: "DELETE" });
}

/** Removes a session for good. */
export async function purgeSession(sessionId: string): Promise<void> {
  await send(`/chat/sessions/${sessionId}?purge=true`, { method: "DELETE" });
}

/** Ends an answer that is being written; what was said of it stays. */
export async function stopAnswer(messageId: string): Promise<void> {
  await send(`/chat/messages/${messageId}/stop`, { method: "POST" });
}

export async function rate(messageId: string, feedback: Feedback): Promise<void> {
  await send(`/chat/messages/${messageId}/feedback`, jsonBody(feedback, "PUT"));
}

export async function unrate(messageId: string): Promise<void> {
  await send(`/chat/messages/${messageId}/feedback`, { method: "DELETE" });
}

export function trace(messageId: string): Promise<AnswerTrace> {
  return sendForJson(`/chat/messages/${messageId}/trace`);
}

export function passage(documentId: string, chunkId: string): Promise<PassageInContext> {
  return sendForJson(`/documents/${documentId}/passages/${chunkId}`);
}

export function searchShared(link: string, query: string): Promise<SearchResponse> {
  return sendAsGuest(link, "/search", jsonBody({ query }));
}

export function sharedPassage(link: string, documentId: string, chunkId: string): Promise<PassageInContext> {
  return sendAsGuest(link, `/documents/${documentId}/passages/${chunkId}`);
}

export function documents(text: string, cursor: string | null): Promise<Page<StoredDocument>> {
  return sendForJson(paged("/documents", cursor, { q: text }));
}

export function storedDocument(documentId: string): Promise<StoredDocument> {
  return sendForJson(`/documents/${documentId}`);
}

export async function deleteDocument(documentId: string): Promise<void> {
  await send(`/documents/${documentId}`, { method: "DELETE" });
}

export function usage(): Promise<Usage> {
  return sendForJson("/billing/usage");
}

/** What the user asks of the answers to their own questions. */
export async function instructions(): Promise<string> {
  return (await sendForJson<Instructions>("/chat/instructions")).instructions;
}

/** Sets them, as they are kept then; empty ones are removed. */
export async function keepInstructions(text: string): Promise<string> {
  const kept = await sendForJson<Instructions>("/chat/instructions", jsonBody({ instructions: text }, "PUT"));
  return kept.instructions;
}
