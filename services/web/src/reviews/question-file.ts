import type { QuestionSet } from "../api/admin-contracts";

/** A question set as a file that `footnote eval questions` and the API take. */
export function fileOf({ name, questions }: QuestionSet): File {
  const plain = name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  const text = JSON.stringify({ name, questions }, null, 2) + "\n";
  return new File([text], `${plain || "questions"}.json`, { type: "application/json" });
}
