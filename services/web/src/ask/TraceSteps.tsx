import type { AnswerTrace } from "../api/contracts";
import { formatDuration, formatNumber } from "../ui/format";
import { stepOf } from "./trace-steps";

/** A trace as a reader meets it: the question, then each step with its time, its findings and its tables. */
export function TraceSteps({ trace }: { trace: AnswerTrace }) {
  return (
    <>
      <p>
        <span className="quiet">Question</span> {trace.question}
      </p>
      <ol className="steps">
        {trace.steps.map((raw, index) => {
          const step = stepOf(raw, index + 1);
          return (
            // oxlint-disable-next-line react/no-array-index-key -- a trace is never reordered, and steps may repeat
            <li key={index}>
              <h3>
                {step.name}{" "}
                {step.milliseconds !== null && <span className="quiet">{formatDuration(step.milliseconds)}</span>}
              </h3>
              <dl>
                {step.facts.map(({ label, value }) => (
                  <div key={label}>
                    <dt>{label}</dt>
                    <dd>{shown(value)}</dd>
                  </div>
                ))}
              </dl>
              {step.tables.map(({ label, columns, rows }) => (
                <details key={label}>
                  <summary>
                    {label} <span className="quiet">({rows.length})</span>
                  </summary>
                  <Table label={label} columns={columns} rows={rows} />
                </details>
              ))}
            </li>
          );
        })}
      </ol>
    </>
  );
}

interface TableProperties {
  label: string;
  columns: { key: string; label: string }[];
  rows: Record<string, unknown>[];
}

function Table({ label, columns, rows }: TableProperties) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a keyboard must be able to scroll a wide table
    <section className="table-frame" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col">
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // oxlint-disable-next-line react/no-array-index-key -- a trace is never reordered
            <tr key={index}>
              {columns.map((column) => (
                <td key={column.key}>{shown(row[column.key])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "number") return Number.isInteger(value) ? formatNumber(value) : value.toPrecision(3);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.length > 0 ? value.map(shown).join(", ") : "–";
  return Object.entries(value)
    .map(([key, inner]) => `${key} ${shown(inner)}`)
    .join(", ");
}
