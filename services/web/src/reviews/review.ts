import type { Review, ReviewDecision, ReviewReason } from "../api/admin-contracts";
import type { Source } from "../api/contracts";
import { OUTCOMES } from "../feedback/outcomes";
import { counted, formatDateTime } from "../ui/format";

export const REASONS: Record<ReviewReason, string> = {
  rated_low: "Rated badly",
  abstained: "Not known",
  low_confidence: "Unsure",
  asked_often: "Asked often",
};

/** What a document is called in a list of those that answer a question. */
export interface NamedDocument {
  id: string;
  title: string;
}

/** A question for an evaluation set, as an admin writes it. */
export interface DraftedQuestion {
  setName: string;
  query: string;
  /** Whether a document answers it; otherwise neither answers nor documents are sent. */
  answerable: boolean;
  /** Wordings of a good answer, one a line. */
  answers: string;
  documentIds: string[];
}

/** What is known of an entry beside its question and its answer. */
export function factsOf(review: Review): string[] {
  const { outcome, confidence, asked, people, last_at, reasons } = review;
  // Where nobody knew, the reason says so already.
  const told = outcome !== null && !reasons.includes("abstained") ? OUTCOMES[outcome] : "";
  const facts = [
    told,
    told !== "" && confidence !== null ? `confidence ${confidence.toFixed(2)}` : "",
    people > 1 ? `asked ${counted(asked, "time")} by ${people} people` : "",
    formatDateTime(last_at),
  ];
  return facts.filter((fact) => fact !== "");
}

/** The documents behind an answer that the reader may see, each once. */
export function documentsOf(sources: readonly Source[]): NamedDocument[] {
  const titles = new Map(sources.filter(({ excerpt }) => excerpt !== "").map((one) => [one.document_id, one.title]));
  return [...titles].map(([id, title]) => ({ id, title }));
}

/** What is still wanting in the draft; empty where it can be sent. */
export function wanting(draft: DraftedQuestion, answersMax: number): string {
  if (draft.query.trim() === "") return "Write the question.";
  if (draft.setName.trim() === "") return "Name the set that it goes into.";
  if (!draft.answerable) return "";
  if (draft.documentIds.length === 0) return "Choose a document that answers it.";
  if (linesOf(draft.answers).length > answersMax) return `Give at most ${answersMax} answers.`;
  return "";
}

/** The decision that makes an evaluation question of what was asked. */
export function decisionOf(draft: DraftedQuestion, asked: string): ReviewDecision {
  const query = draft.query.trim();
  const answers = linesOf(draft.answers);
  return {
    decision: "make_question",
    set_name: draft.setName.trim(),
    ...(query !== asked.trim() && { query }),
    ...(draft.answerable
      ? {
          relevant: draft.documentIds.map((document_id) => ({ document_id })),
          ...(answers.length > 0 && { answers }),
        }
      : { answerable: false }),
  };
}

function linesOf(text: string): string[] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
}
