import type { Outcome } from "../api/contracts";

/** An answer's outcome, among other facts about it. */
export const OUTCOMES: Record<Outcome, string> = {
  answered: "from documents",
  abstained: "not known",
  ungrounded: "not from documents",
  refused: "refused",
};
