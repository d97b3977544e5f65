import type { AnswerMetadata } from "../api/contracts";
import { counted, formatDuration } from "../ui/format";
import { degradation } from "./degradations";

const ABOUT: Record<AnswerMetadata["outcome"], { label: string; about: string }> = {
  answered: { label: "From your documents", about: "" },
  abstained: { label: "Not known", about: "" },
  ungrounded: { label: "Not from your documents", about: "Nothing here was checked against a passage." },
  refused: { label: "Refused", about: "This question isn’t answered here." },
};

/** What kind of answer this is, and what didn't work as configured while it was made. */
export function OutcomeNote({ metadata, cited }: { metadata: AnswerMetadata; cited: number }) {
  const { label, about } = ABOUT[metadata.outcome];
  const written = metadata.outcome === "answered" || metadata.outcome === "ungrounded";
  const facts = [
    about,
    metadata.outcome === "answered" ? `${counted(cited, "passage")} cited` : "",
    written ? `model ${metadata.model_used}` : "",
    `${formatDuration(metadata.response_time_ms)}${metadata.cached ? ", answered before" : ""}`,
  ];
  return (
    <div className={`outcome outcome-${metadata.outcome}`}>
      <p>
        <strong>{label}</strong> <span className="quiet">{facts.filter((fact) => fact !== "").join(" · ")}</span>
      </p>
      {metadata.finish_reason === "length" && <p className="quiet">It ends early: it reached its limit of tokens.</p>}
      {metadata.degraded.length > 0 && (
        <ul className="degraded" aria-label="What didn’t work as usual">
          {metadata.degraded.map((code) => (
            <li key={code}>{degradation(code)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
