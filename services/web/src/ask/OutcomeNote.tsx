import type { AnswerMetadata } from "../api/contracts";
import { counted, formatDuration } from "../ui/format";
import { degradation, IMPORTED } from "./degradations";

const ABOUT: Record<AnswerMetadata["outcome"], { label: string; about: string }> = {
  answered: { label: "From your documents", about: "" },
  abstained: { label: "No answer", about: "" },
  ungrounded: { label: "Not from your documents", about: "Nothing here was checked against a passage." },
  refused: { label: "Refused", about: "This question isn’t answered here." },
};

/** What kind of answer this is, and what didn't work as configured while it was made. */
export function OutcomeNote({ metadata, cited }: { metadata: AnswerMetadata; cited: number }) {
  // A file can claim anything, so what it calls its outcome isn't shown as ours.
  const imported = metadata.degraded.includes(IMPORTED);
  const { label, about } = imported ? { label: "Imported", about: "Not verified here" } : ABOUT[metadata.outcome];
  const written = !imported && (metadata.outcome === "answered" || metadata.outcome === "ungrounded");
  const degraded = metadata.degraded.filter((code) => code !== IMPORTED);
  const facts = [
    about,
    metadata.outcome === "answered" && !imported ? `${counted(cited, "passage")} cited` : "",
    written ? `model ${metadata.model_used}` : "",
    imported ? "" : `${formatDuration(metadata.response_time_ms)}${metadata.cached ? ", answered before" : ""}`,
  ];
  return (
    <div className={`outcome outcome-${imported ? "ungrounded" : metadata.outcome}`}>
      <p>
        <strong>{label}</strong> <span className="quiet">{facts.filter((fact) => fact !== "").join(" · ")}</span>
      </p>
      {metadata.finish_reason === "length" && <p className="quiet">It ends early: it reached its limit of tokens.</p>}
      {!imported && (metadata.unsupported ?? []).length > 0 && (
        <p className="quiet">A sentence marked [unsupported] has no source.</p>
      )}
      {!imported && (metadata.disagreements ?? []).length > 0 && (
        <p className="quiet">The sources disagree; the answer says what each has.</p>
      )}
      {degraded.length > 0 && (
        <ul className="degraded" aria-label="What didn’t work as usual">
          {degraded.map((code) => (
            <li key={code}>{degradation(code)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
