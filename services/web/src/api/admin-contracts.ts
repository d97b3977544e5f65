// What the gateway answers an organisation's owners and admins, field by field as in libs/contracts.

import type { Feedback, Outcome, Source } from "./contracts";

/** Of a question in an evaluation set. */
export const QUERY_MAX_CHARS = 2000;

/** Of an evaluation set. */
export const SET_NAME_MAX_CHARS = 120;

/** Wordings of a good answer to one question. */
export const ANSWERS_MAX = 20;

/** Questions that are asked again at once to fill the cache of answers. */
export const WARMING_MAX = 50;

export interface GivenFeedback {
  message_id: string;
  user_id: string;
  feedback: Feedback;
  given_at: string;
  question: string;
  answer: string;
  sources: Source[];
  outcome: Outcome | null;
  model_used: string | null;
}

/** How an organisation's questions are answered. */
export interface AnswerPolicy {
  mode: "auto" | "extractive";
  unsupported: "cut" | "mark";
  injected: "mark" | "lower" | "drop";
  personal_data: "allow" | "mask" | "refuse";
  moderate_questions: boolean;
  moderate_answers: boolean;
  cache_answers: boolean;
  caution: "low" | "normal" | "high";
  instructions: string;
}

/** What is absent stays. */
export type AnswerPolicyChange = Partial<AnswerPolicy>;

export type ReviewReason = "rated_low" | "abstained" | "low_confidence" | "asked_often";

/** A badly rated answer, or a question that several people asked: of that only the words and how often. */
export interface Review {
  message_id: string;
  reasons: ReviewReason[];
  question: string;
  asked: number;
  people: number;
  last_at: string;
  feedback: Feedback | null;
  answer: string | null;
  sources: Source[];
  outcome: Outcome | null;
  confidence: number | null;
  /** Whether the reader asked it: to nobody else its trace is shown. */
  owned: boolean;
}

export interface Judgement {
  document_id: string;
}

/** `query` replaces the words that were asked. Not `answerable` is what no document answers: nothing is `relevant`. */
export type ReviewDecision =
  | { decision: "dismiss" }
  | {
      decision: "make_question";
      set_name: string;
      answerable?: boolean;
      relevant?: Judgement[];
      query?: string;
      answers?: string[];
    };

export interface ReviewDecided {
  message_id: string;
  decision: ReviewDecision["decision"];
  set_id: string | null;
  question_id: string | null;
}

export interface QuestionSetSummary {
  set_id: string;
  name: string;
  questions: number;
  judgements: number;
  created_at: string;
  updated_at: string;
}

/** The questions are handed on as they come. */
export interface QuestionSet {
  set_id: string;
  name: string;
  questions: Record<string, unknown>[];
}

export type SecurityEventKind =
  | "injected_instructions"
  | "personal_data_refused"
  | "question_flagged"
  | "answer_flagged";

/** `times` counts how often a day the same passage was met. `details` names rules, kinds or categories. */
export interface SecurityEvent {
  id: string;
  kind: SecurityEventKind;
  user_id: string;
  message_id: string;
  document_id: string | null;
  chunk_id: string | null;
  times: number;
  first_at: string;
  last_at: string;
  details: Record<string, unknown>;
}

/** What the cache of answers has given so far, and what it holds now. */
export interface AnswerCacheReport {
  exact_hits: number;
  semantic_hits: number;
  misses: number;
  saved_tokens: number;
  entries: number;
  size_bytes: number;
}
