import type { Citation, TextSpan } from "../api/contracts";
import { utf16Offsets } from "./offsets";

/** A piece of an answer: plain text, or the marker `[n]` of a citation; `unsupported` text has no source. */
export interface AnswerPiece {
  text: string;
  /** Where the piece begins in the answer, in UTF-16 units. */
  at: number;
  citation: Citation | null;
  unsupported: boolean;
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
export function answerPieces(answer: string, citations: Citation[], unsupported: TextSpan[] = []): AnswerPiece[] {
  const at = utf16Offsets(answer);
  const marked = unsupported
    .map(({ start, end }) => ({ start: at(start), end: at(end) }))
    .toSorted((one, other) => one.start - other.start);
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
    pieces.push(...textPieces(answer, done, start, marked));
    pieces.push({ text: marker[0], at: start, citation: found.citation, unsupported: false });
    done = end;
  }
  pieces.push(...textPieces(answer, done, answer.length, marked));
  return pieces;
}

/** The answer's text from `start` to `end`, cut where a marked sentence begins or ends. */
function textPieces(answer: string, start: number, end: number, marked: TextSpan[]): AnswerPiece[] {
  const pieces: AnswerPiece[] = [];
  const add = (until: number, unsupported: boolean) => {
    if (until > start) pieces.push({ text: answer.slice(start, until), at: start, citation: null, unsupported });
    start = Math.max(start, until);
  };
  for (const span of marked) {
    add(Math.min(span.start, end), false);
    add(Math.min(span.end, end), true);
  }
  add(end, false);
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
