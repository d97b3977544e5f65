// Requests that only an organisation's owners and admins may make.

import type {
  AnswerCacheReport,
  AnswerPolicy,
  AnswerPolicyChange,
  GivenFeedback,
  QuestionSet,
  QuestionSetSummary,
  Review,
  ReviewDecided,
  ReviewDecision,
  SecurityEvent,
  SecurityEventKind,
} from "./admin-contracts";
import type { Page } from "./contracts";
import { jsonBody, paged, send, sendForJson } from "./http";

/** Members' ratings of `maxRating` or worse, the latest first. */
export function givenFeedback(maxRating: number, cursor: string | null): Promise<Page<GivenFeedback>> {
  return sendForJson(paged("/admin/feedback", cursor, { max_rating: String(maxRating) }));
}

/** How the organisation's questions are answered. */
export function answerPolicy(): Promise<AnswerPolicy> {
  return sendForJson("/admin/answers");
}

export function changeAnswerPolicy(change: AnswerPolicyChange): Promise<AnswerPolicy> {
  return sendForJson("/admin/answers", jsonBody(change, "PATCH"));
}

/** What waits for a decision, the latest first. */
export function reviews(cursor: string | null): Promise<Page<Review>> {
  return sendForJson(paged("/admin/reviews", cursor));
}

export function decide(messageId: string, decision: ReviewDecision): Promise<ReviewDecided> {
  return sendForJson(`/admin/reviews/${messageId}`, jsonBody(decision));
}

/** The organisation's sets of evaluation questions. */
export async function questionSets(): Promise<QuestionSetSummary[]> {
  return (await sendForJson<{ items: QuestionSetSummary[] }>("/admin/evaluations/sets")).items;
}

export function questionSet(setId: string): Promise<QuestionSet> {
  return sendForJson(`/admin/evaluations/sets/${setId}`);
}

/** What was attempted on the organisation's answers, the latest first; of every kind where `kind` is empty. */
export function securityEvents(kind: SecurityEventKind | "", cursor: string | null): Promise<Page<SecurityEvent>> {
  return sendForJson(paged("/admin/security-events", cursor, { kind }));
}

export function answerCache(): Promise<AnswerCacheReport> {
  return sendForJson("/admin/answers/cache");
}

export async function emptyAnswerCache(): Promise<void> {
  await send("/admin/answers/cache", { method: "DELETE" });
}

/** Has the most asked questions asked again in the background; returns how many there are. */
export async function warmAnswerCache(questions: number): Promise<number> {
  const warmed = await sendForJson<{ questions: number }>("/admin/answers/cache/warm", jsonBody({ questions }));
  return warmed.questions;
}
