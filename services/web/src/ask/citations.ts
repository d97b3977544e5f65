import type { Citation, TextSpan } from "../api/contracts";
import { utf16Offsets } from "./offsets";

/** A piece of an answer: plain text, or the marker `[n]` of a citation. */
export interface AnswerPiece {
  text: string;
  /** Where the piece begins in the answer, in UTF-16 units. */
  at: number;
  citation: Citation | null;
}

const MARKER = /\[(\d{1,4})\]/g;
const ONLY_MARKERS = /^ (?:\[\d{1,4}\])*$/;

/**
 * The answer cut at the markers that one of its citations accounts for.
 *
 * A citation covers a sentence; a space and the sentence's markers follow it. Whatever else looks like a marker (a
 * sentence taken from a document may say "[12]" itself) stays text, and so does every other piece: nothing in an answer
 * is markup.
 */
export function answerPieces(answer: string, citations: Citation[]): AnswerPiece[] {
  const at = utf16Offsets(answer);
  const placed = citations.map((citation) => ({ citation, end: at(citation.end) }));
  const pieces: AnswerPiece[] = [];
  let done = 0;
  for (const marker of answer.matchAll(MARKER)) {
    const start = marker.index;
    const end = start + marker[0].length;
    const found = placed.find(
      (place) =>
        place.citation.n === Number(marker[1]) &&
        place.end < start &&
        ONLY_MARKERS.test(answer.slice(place.end, start)),
    );
    if (!found) continue;
    if (start > done) pieces.push({ text: answer.slice(done, start), at: done, citation: null });
    pieces.push({ text: marker[0], at: start, citation: found.citation });
    done = end;
  }
  if (done < answer.length) pieces.push({ text: answer.slice(done), at: done, citation: null });
  return pieces;
}

/** The numbers of the cited sources, each once, in the order of their first citation. */
export function citedNumbers(citations: Citation[]): number[] {
  const inOrder = citations.toSorted((one, other) => one.start - other.start);
  return [...new Set(inOrder.map((citation) => citation.n))];
}

/** Everything that the answer's citations point at in source `n`. */
export function spansOf(citations: Citation[], n: number): TextSpan[] {
  return citations.filter((citation) => citation.n === n).flatMap((citation) => citation.spans);
}
