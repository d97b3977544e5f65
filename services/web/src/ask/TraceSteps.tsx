import type { AnswerTrace, ExplainedSentence, Source } from "../api/contracts";
import { formatDuration } from "../ui/format";
import { shownValue, stepOf } from "./trace-steps";

interface Properties {
  trace: AnswerTrace;
  sources: Source[];
}

/** A trace as a reader meets it: the question, then each step with its time, its findings and its tables. */
export function TraceSteps({ trace, sources }: Properties) {
  const names = new Map(
    sources.flatMap(({ n, title, chunk_id, document_id }) => [
      [chunk_id, `[${n}] ${title}`],
      [document_id, title],
    ]),
  );
  return (
    <>
      <p>
        <span className="quiet">Question</span> {trace.question}
      </p>
      {trace.explanation.length > 0 && <Explanation sentences={trace.explanation} />}
      <ol className="steps">
        {trace.steps.map((raw, index) => {
          const step = stepOf(raw, index + 1);
          return (
            <li key={index}>
              <h3>
                {step.name}{" "}
                {step.milliseconds !== null && <span className="quiet">{formatDuration(step.milliseconds)}</span>}
              </h3>
              <dl>
                {step.facts.map(({ label, value }) => (
                  <div key={label}>
                    <dt>{label}</dt>
                    <dd>{shownValue(value, names)}</dd>
                  </div>
                ))}
              </dl>
              {step.tables.map(({ label, columns, rows }) => (
                <details key={label}>
                  <summary>
                    {label} <span className="quiet">({rows.length})</span>
                  </summary>
                  <Table label={label} columns={columns} rows={rows} names={names} />
                </details>
              ))}
            </li>
          );
        })}
      </ol>
    </>
  );
}

/** What became of each sentence, and why. */
function Explanation({ sentences }: { sentences: ExplainedSentence[] }) {
  return (
    <ol className="explanation" aria-label="Sentence by sentence">
      {sentences.map(({ sentence, shown, verdict, why, sources }, index) => (
        <li key={index}>
          <p className={shown ? undefined : "quiet"}>{sentence}</p>
          <p className="quiet">
            {shown ? "Said" : "Not said"}, {verdict.replaceAll("_", " ")}: {why}
          </p>
          {sources.map(({ n, text }) => (
            <blockquote key={n}>
              [{n}] {text}
            </blockquote>
          ))}
        </li>
      ))}
    </ol>
  );
}

interface TableProperties {
  label: string;
  columns: { key: string; label: string }[];
  rows: Record<string, unknown>[];
  names: ReadonlyMap<string, string>;
}

function Table({ label, columns, rows, names }: TableProperties) {
  return (
    // It takes the focus so that a keyboard can scroll it.
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
            <tr key={index}>
              {columns.map((column) => (
                <td key={column.key}>{shownValue(row[column.key], names)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
