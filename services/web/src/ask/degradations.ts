/** Marks an answer that came with a file. It is shown as an outcome of its own. */
export const IMPORTED = "imported";

const MEANINGS: Record<string, string> = {
  billing: "Your plan couldn’t be checked. This message is counted later.",
  deadline: "Time ran out before the answer was complete.",
  embedding: "Texts could only be compared by their words, not by their meaning.",
  generation: "The language model failed on the way. What could be made without it is shown.",
  policy_mode: "Your organization has answers written from its documents’ own sentences, whatever model was asked for.",
  language: "The answer isn’t in the language that was wanted: its sources are in another.",
  rewriting: "The language model couldn’t put this follow-up into a question of its own. Rules did.",
  moderation: "Your organisation’s moderation service was away, so this wasn’t looked at.",
  plan_tokens: "Your plan allows a shorter answer than was asked for.",
};

/** What a degradation means for the reader; one that isn't known here is shown by its code. */
export function degradation(code: string): string {
  return MEANINGS[code] ?? `Something didn’t work as usual: ${code}`;
}
