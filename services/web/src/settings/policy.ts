import type { AnswerPolicy, AnswerPolicyChange } from "../api/admin-contracts";

/** A field with a few values, each with what it means. */
export interface Choice {
  field: "mode" | "caution" | "unsupported" | "injected" | "personal_data";
  label: string;
  values: { value: string; label: string }[];
}

/** A field that is on or off. */
export interface Switch {
  field: "moderate_questions" | "moderate_answers" | "cache_answers";
  label: string;
}

export const CHOICES: readonly Choice[] = [
  {
    field: "mode",
    label: "Answers are written by",
    values: [
      { value: "auto", label: "a language model where there is one" },
      { value: "extractive", label: "nobody: the sources’ own sentences alone" },
    ],
  },
  {
    field: "caution",
    label: "An answer is given where it is",
    values: [
      { value: "low", label: "supported, however unsure" },
      { value: "normal", label: "likely enough" },
      { value: "high", label: "rather sure: more questions stay unanswered" },
    ],
  },
  {
    field: "unsupported",
    label: "A sentence that no source supports is",
    values: [
      { value: "cut", label: "left out" },
      { value: "mark", label: "shown and marked" },
    ],
  },
  {
    field: "injected",
    label: "A passage that gives instructions is",
    values: [
      { value: "drop", label: "left out" },
      { value: "lower", label: "ranked lower" },
      { value: "mark", label: "only marked" },
    ],
  },
  {
    field: "personal_data",
    label: "Personal data in a question is",
    values: [
      { value: "allow", label: "allowed" },
      { value: "mask", label: "masked wherever it is kept" },
      { value: "refuse", label: "refused" },
    ],
  },
];

export const SWITCHES: readonly Switch[] = [
  { field: "moderate_questions", label: "The moderation service sees questions" },
  { field: "moderate_answers", label: "The moderation service sees answers" },
  { field: "cache_answers", label: "An answer may be given again to the same question" },
];

/** Only what differs, so that another admin's change of another field stays. */
export function changeOf(kept: AnswerPolicy, edited: AnswerPolicy): AnswerPolicyChange {
  const fields = Object.keys(kept) as (keyof AnswerPolicy)[];
  return Object.fromEntries(fields.filter((field) => kept[field] !== edited[field]).map((field) => [field, edited[field]]));
}
