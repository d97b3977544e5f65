// What the gateway answers, field by field as in libs/contracts.

/** Of a question, and of a rating's comment. */
export const MESSAGE_MAX_CHARS = 2000;

/** Of an organisation's instructions, and of a person's. */
export const INSTRUCTIONS_MAX_CHARS = 1000;

/** A half-open range [start, end), in Unicode code points. */
export interface TextSpan {
  start: number;
  end: number;
}

/** `start` and `end` are places in the answer; `spans` are places in the excerpt of source `n`. */
export interface Citation extends TextSpan {
  n: number;
  spans: TextSpan[];
}

export interface Location {
  page?: number | null;
  heading_path: string[];
  start: number;
  end: number;
}

export interface Source {
  n: number;
  document_id: string;
  external_id: string | null;
  chunk_id: string;
  title: string;
  excerpt: string;
  location: Location;
  relevance_score: number;
}

/** From `start` to `end` the answer says what source `other` has instead of source `preferred`. */
export interface Disagreement extends TextSpan {
  preferred: number;
  other: number;
  differs: "number" | "name" | "direction" | "negation";
  because: "authority" | "date" | "support";
}

export type Outcome = "answered" | "abstained" | "ungrounded" | "refused";

export interface AnswerMetadata {
  tokens_used: number;
  response_time_ms: number;
  model_used: string;
  cached: boolean;
  outcome: Outcome;
  grounded: boolean;
  confidence: number;
  finish_reason: string;
  degraded: string[];
  /** Absent in answers that were kept before these were told. */
  unsupported?: TextSpan[];
  disagreements?: Disagreement[];
  /** The answer's, an ISO 639-1 code, where its words tell. */
  language?: string | null;
}

export interface ChatResponse {
  session_id: string;
  message_id: string;
  answer: string;
  citations: Citation[];
  sources: Source[];
  metadata: AnswerMetadata;
}

export interface ErrorEnvelope {
  code: string;
  message: string;
  details: Record<string, unknown>;
  request_id: string;
}

/** One event of a streamed answer. */
export type AnswerEvent =
  | { type: "session"; data: { session_id: string; message_id: string } }
  | { type: "sources"; data: { sources: Source[] } }
  | { type: "token"; data: { text: string } }
  | { type: "citation"; data: Citation }
  | { type: "unsupported"; data: TextSpan }
  | { type: "done"; data: ChatResponse }
  | { type: "error"; data: ErrorEnvelope };

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export interface ChatSession {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
  pinned: boolean;
  shared: boolean;
  /** False for a colleague's, which is there to be read. */
  owned: boolean;
  imported: boolean;
  deleted_at: string | null;
}

/** Whose sessions a list holds. */
export type Which = "own" | "shared" | "deleted";

/** What is absent stays. `current_message_id` shows the branch of that message. */
export interface SessionChange {
  title?: string;
  pinned?: boolean;
  shared?: boolean;
  current_message_id?: string;
}

/** 1, useless, to 5, just right. */
export interface Feedback {
  rating: number;
  comment: string;
}

/** `versions` are all messages in its place, itself among them, in order. */
export interface ChatMessage {
  id: string;
  parent_id: string | null;
  versions: string[];
  role: string;
  content: string;
  status: "completed" | "generating" | "stopped" | "failed" | "interrupted";
  created_at: string;
  citations: Citation[];
  sources: Source[];
  metadata: AnswerMetadata | null;
  feedback: Feedback | null;
}

/** What became of a sentence, and why. */
export interface ExplainedSentence {
  sentence: string;
  shown: boolean;
  verdict: string;
  why: string;
  model: string;
  sources: { n: number; text: string; score: number }[];
}

export interface AnswerTrace {
  message_id: string;
  question: string;
  steps: Record<string, unknown>[];
  explanation: ExplainedSentence[];
}

export interface PassageInContext {
  chunk_id: string;
  document_id: string;
  content: string;
  location: Location;
  title: string;
  external_id: string | null;
  before: string;
  after: string;
}

export interface SearchResult {
  document_id: string;
  chunk_id: string;
  title: string;
  content: string;
  location: Location;
}

export interface SearchResponse {
  results: SearchResult[];
  degraded: string[];
}

export type DocumentStatus = "pending" | "processing" | "completed" | "failed";

export interface StoredDocument {
  document_id: string;
  external_id: string | null;
  title: string;
  status: DocumentStatus;
  error: { code: string; message: string } | null;
  /** What of it couldn't be read, though the rest was. */
  warnings: string[];
  /** What holds it up; `until` is when that is tried again. */
  waiting: { code: string; message: string; until: string | null } | null;
  chunk_count: number;
  size_bytes: number;
  media_type: string;
  access: "private" | "organization" | "public" | { groups: string[] };
  created_at: string;
  updated_at: string;
}

/** `limit` and `remaining` are null where the plan is unlimited, `resets_at` where usage doesn't reset. */
export interface ResourceUsage {
  used: number;
  limit: number | null;
  remaining: number | null;
  resets_at: string | null;
}

export interface Usage {
  period_start: string;
  period_end: string;
  plan: string;
  resources: Record<string, ResourceUsage>;
}

export interface TokenPair {
  access_token: string;
  refresh_token: string;
  token_type: string;
  expires_in: number;
}

export interface User {
  id: string;
  email: string;
  organization_id: string;
  organization_name: string;
  roles: string[];
}

export interface Instructions {
  instructions: string;
}
