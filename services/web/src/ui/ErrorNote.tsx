import { asApiError } from "../api/errors";
import { formatDateTime } from "./format";

interface Properties {
  error: unknown;
  /** Offered as a button where trying again may help. */
  retry?: { label: string; action: () => void };
}

export function ErrorNote({ error, retry }: Properties) {
  const { message, requestId, details } = asApiError(error);
  const resetAt = details["reset_at"];
  return (
    <div className="note note-error" role="alert">
      <p>{message}</p>
      {typeof resetAt === "string" && <p>More is available from {formatDateTime(resetAt)}.</p>}
      {requestId !== "" && (
        <p className="quiet">
          Request id <code>{requestId}</code>
        </p>
      )}
      {retry && (
        <button type="button" className="button" onClick={retry.action}>
          {retry.label}
        </button>
      )}
    </div>
  );
}
