/** The one of `elements` that an arrow key, Home or End goes to from the focused one; null for any other key. */
export function arrowTarget<Element>(
  { key, target }: { key: string; target: unknown },
  elements: readonly Element[],
): Element | null {
  const at = elements.findIndex((element) => element === target);
  const last = elements.length - 1;
  const to = new Map([
    ["ArrowDown", at === last ? 0 : at + 1],
    ["ArrowUp", at <= 0 ? last : at - 1],
    ["Home", 0],
    ["End", last],
  ]).get(key);
  return to === undefined ? null : (elements[to] ?? null);
}
