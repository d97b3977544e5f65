import { useMutation } from "@tanstack/react-query";
import { useRef } from "react";

import { importSession } from "../api/calls";
import { fieldsOf } from "../api/errors";
import { go } from "../route";
import { sessionsChanged } from "../state";
import { ErrorNote } from "../ui/ErrorNote";

/** Takes a conversation in from a file that an export has made. */
export function ImportSession() {
  const input = useRef<HTMLInputElement>(null);
  const taking = useMutation({
    mutationFn: importSession,
    onSuccess: async (session) => {
      await go({ page: "session", sessionId: session.id });
      await sessionsChanged();
    },
  });
  const choose = (file: File | undefined) => {
    if (file) taking.mutate(file);
    // The same file, mended and chosen again, must count as a change.
    if (input.current) input.current.value = "";
  };
  const fields = fieldsOf(taking.error);
  return (
    <div className="import">
      <button
        type="button"
        className="button button-plain"
        disabled={taking.isPending}
        onClick={() => input.current?.click()}
      >
        {taking.isPending ? "Importing…" : "Import a conversation…"}
      </button>
      <input
        ref={input}
        className="unseen"
        type="file"
        accept=".json,application/json"
        tabIndex={-1}
        aria-label="Conversation to import"
        onChange={(event) => choose(event.target.files?.[0])}
      />
      {fields.length > 0 ? (
        <div className="note note-error" role="alert">
          <p>{taking.variables?.name} isn’t a conversation that was exported from Footnote:</p>
          <ul>
            {fields.map(({ field, message }) => (
              <li key={`${field} ${message}`}>
                <code>{field}</code> {message}
              </li>
            ))}
          </ul>
          <button type="button" className="button" onClick={taking.reset}>
            Dismiss
          </button>
        </div>
      ) : (
        taking.isError && <ErrorNote error={taking.error} retry={{ label: "Dismiss", action: taking.reset }} />
      )}
    </div>
  );
}
