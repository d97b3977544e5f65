const MEANINGS: Record<string, string> = {
  plan_tokens: "Your plan allows a shorter answer than was asked for.",
};

/** What a degradation means for the reader; one that isn't known here is shown by its code. */
export function degradation(code: string): string {
  return MEANINGS[code] ?? `Something didn’t work as usual: ${code}`;
}
