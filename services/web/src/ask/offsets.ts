import type { TextSpan } from "../api/contracts";

/** A piece of a text; the pieces of a text, joined, are the text. */
export interface Piece {
  text: string;
  /** Where the piece begins in the text, in UTF-16 units. */
  at: number;
  marked: boolean;
}

/**
 * Where the text's code points begin, counted in JavaScript's UTF-16 units.
 *
 * The server counts Unicode code points; a character beyond U+FFFF (many symbols, some scripts) takes two UTF-16 units.
 * A place before the text's start or past its end becomes the start or the end.
 */
export function utf16Offsets(text: string): (codePoint: number) => number {
  const offsets: number[] = [];
  let units = 0;
  for (const character of text) {
    offsets.push(units);
    units += character.length;
  }
  return (codePoint) => (codePoint < 0 ? 0 : (offsets[codePoint] ?? units));
}

/** The text's length as the server counts it. */
export function codePointLength(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** The text cut where spans (in code points) begin and end; overlapping and touching spans are one mark. */
export function markedPieces(text: string, spans: TextSpan[]): Piece[] {
  const at = utf16Offsets(text);
  const ranges = spans
    .map(({ start, end }) => ({ start: at(start), end: at(end) }))
    .filter(({ start, end }) => start < end)
    .toSorted((one, other) => one.start - other.start);
  const pieces: Piece[] = [];
  let done = 0;
  for (const { start, end } of ranges) {
    if (end <= done) continue;
    if (start > done) pieces.push({ text: text.slice(done, start), at: done, marked: false });
    const from = Math.max(start, done);
    const previous = pieces.at(-1);
    if (previous?.marked) previous.text += text.slice(from, end);
    else pieces.push({ text: text.slice(from, end), at: from, marked: true });
    done = end;
  }
  if (done < text.length) pieces.push({ text: text.slice(done), at: done, marked: false });
  return pieces;
}
