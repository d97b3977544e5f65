import { formatNumber } from "../ui/format";

/** A step of a trace, sorted for showing; nothing that the step says is left out. */
export interface Step {
  name: string;
  milliseconds: number | null;
  facts: { label: string; value: unknown }[];
  tables: { label: string; columns: { key: string; label: string }[]; rows: Record<string, unknown>[] }[];
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NAMES = ["step", "name"];
const TIMES = ["ms", "duration_ms", "took_ms", "time_ms", "elapsed_ms"];

/** What a step says, whatever it says: its name, its time, its single facts, and each list of records as a table. */
export function stepOf(raw: Record<string, unknown>, number: number): Step {
  const name = NAMES.find((key) => typeof raw[key] === "string");
  const time = TIMES.find((key) => typeof raw[key] === "number");
  const step: Step = {
    name: name ? wording(String(raw[name])) : `Step ${number}`,
    milliseconds: time ? Number(raw[time]) : null,
    facts: [],
    tables: [],
  };
  for (const [key, value] of Object.entries(raw)) {
    if (key === name || key === time) continue;
    if (isRecords(value)) step.tables.push({ label: wording(key), columns: columnsOf(value), rows: value });
    else step.facts.push({ label: wording(key), value });
  }
  return step;
}

/** "lexical_rank" as "Lexical rank". */
function wording(key: string): string {
  const words = key.replaceAll(/[_.]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function isRecords(value: unknown): value is Record<string, unknown>[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => typeof item === "object" && item !== null && !Array.isArray(item))
  );
}

function columnsOf(rows: Record<string, unknown>[]): { key: string; label: string }[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))].map((key) => ({ key, label: wording(key) }));
}

/** A value in words; an id that `names` knows is shown by its name, another by its beginning. */
export function shownValue(value: unknown, names: ReadonlyMap<string, string>): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "number")
    return Number.isInteger(value) ? formatNumber(value) : String(Number(value.toPrecision(3)));
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return names.get(value) ?? (UUID.test(value) ? `${value.slice(0, 8)}…` : value);
  if (Array.isArray(value)) return value.length > 0 ? value.map((item) => shownValue(item, names)).join(", ") : "–";
  return Object.entries(value)
    .map(([key, inner]) => `${key} ${shownValue(inner, names)}`)
    .join(", ");
}
