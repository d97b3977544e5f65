import type { SecurityEvent, SecurityEventKind } from "../api/admin-contracts";
import { formatDateTime } from "../ui/format";

export const KINDS: Record<SecurityEventKind, { label: string; about: string }> = {
  injected_instructions: { label: "Instructions in a document", about: "A passage gave orders to the model." },
  personal_data_refused: { label: "Personal data", about: "A question was refused for the personal data in it." },
  question_flagged: { label: "Question stopped by moderation", about: "It was refused before anything was searched." },
  answer_flagged: { label: "Answer stopped by moderation", about: "It was withheld whole." },
};

const TREATMENTS = new Map<unknown, string>([
  ["drop", "the passage was left out"],
  ["lower", "the passage came last"],
  ["mark", "the passage was only marked"],
]);
const NAMES = { rules: "rules", kinds: "found", categories: "categories" };

/** What an event's details say, in words; what isn't known here is left out. */
export function detailsOf({ details }: SecurityEvent): string[] {
  const named = Object.entries(NAMES).flatMap(([key, name]) => {
    const values = details[key];
    return Array.isArray(values) && values.length > 0 ? [`${name}: ${values.map(plain).join(", ")}`] : [];
  });
  const treatment = TREATMENTS.get(details["treatment"]);
  return treatment ? [...named, treatment] : named;
}

/** When it happened, and over what time where it happened more than once. */
export function whenOf({ times, first_at, last_at }: SecurityEvent): string {
  const last = formatDateTime(last_at);
  const first = formatDateTime(first_at);
  return times > 1 && first !== last ? `${first} to ${last}` : last;
}

function plain(value: unknown): string {
  return String(value).replaceAll("_", " ");
}
