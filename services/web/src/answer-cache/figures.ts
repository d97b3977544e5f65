import type { AnswerCacheReport } from "../api/admin-contracts";
import { formatBytes, formatNumber, formatShare } from "../ui/format";

export interface Figure {
  label: string;
  value: string;
  about: string;
}

/** What the cache has given, and what it holds, in the order in which it is read. */
export function figuresOf(report: AnswerCacheReport): Figure[] {
  const { exact_hits, semantic_hits, misses, saved_tokens, entries, size_bytes } = report;
  const hits = exact_hits + semantic_hits;
  const asked = hits + misses;
  return [
    {
      label: "Hit rate",
      value: asked === 0 ? "–" : formatShare(hits / asked),
      about: asked === 0 ? "nothing was asked yet" : `of ${formatNumber(asked)} questions`,
    },
    {
      label: "Given again",
      value: formatNumber(hits),
      about: `${formatNumber(exact_hits)} to the same words, ${formatNumber(semantic_hits)} to others that mean the same`,
    },
    { label: "Made anew", value: formatNumber(misses), about: "no kept answer fitted" },
    { label: "Tokens saved", value: formatNumber(saved_tokens), about: "neither read nor written again" },
    { label: "Kept now", value: formatNumber(entries), about: `in ${formatBytes(size_bytes)}` },
  ];
}
