import type {
  AnswerTrace,
  ChatMessage,
  ChatSession,
  Page,
  PassageInContext,
  SearchResponse,
  StoredDocument,
  TokenPair,
  Usage,
  User,
} from "./contracts";
import { jsonBody, postAnonymously, send, sendAsGuest, sendForJson } from "./http";
import { forgetTokens, keepTokens, tokens } from "./tokens";

export async function signIn(email: string, password: string): Promise<void> {
  keepTokens(await postAnonymously<TokenPair>("/auth/login", { email, password }));
}

/** Makes an account with an organisation of its own, and signs in to it. */
export async function register(email: string, password: string, organizationName: string): Promise<void> {
  const organization_name = organizationName.trim() || null;
  await postAnonymously<unknown>("/auth/register", { email, password, organization_name });
  await signIn(email, password);
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

export function sessions(cursor: string | null): Promise<Page<ChatSession>> {
  return sendForJson(paged("/chat/sessions", cursor));
}

/** A whole session, oldest message first. */
export async function messages(sessionId: string): Promise<ChatMessage[]> {
  const items: ChatMessage[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<ChatMessage> = await sendForJson(paged(`/chat/sessions/${sessionId}/messages`, cursor));
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}

export async function deleteSession(sessionId: string): Promise<void> {
  await send(`/chat/sessions/${sessionId}`, { method: "DELETE" });
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

export async function deleteDocument(documentId: string): Promise<void> {
  await send(`/documents/${documentId}`, { method: "DELETE" });
}

export function usage(): Promise<Usage> {
  return sendForJson("/billing/usage");
}

function paged(path: string, cursor: string | null, filters: Record<string, string> = {}): string {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ""));
  if (cursor !== null) query.set("cursor", cursor);
  return query.size > 0 ? `${path}?${query}` : path;
}
