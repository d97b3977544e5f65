import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { restoreSession } from "../api/calls";
import { go } from "../route";
import { binned, sessionsChanged } from "../state";
import { useStore } from "../store";
import { ErrorNote } from "../ui/ErrorNote";

/** Says where the conversation went that was just deleted, and brings it back. */
export function UndoDelete() {
  const session = useStore(binned);
  const undoButton = useRef<HTMLButtonElement>(null);
  const undoing = useMutation({
    mutationFn: async (sessionId: string) => {
      await restoreSession(sessionId);
      binned.set(null);
      await go({ page: "session", sessionId });
      await sessionsChanged();
    },
  });
  const { reset } = undoing;

  // The menu that had the focus has gone with the conversation.
  useEffect(() => {
    reset();
    undoButton.current?.focus();
  }, [session, reset]);

  // Whoever goes elsewhere is done with it; the bin still has it.
  useEffect(() => {
    const forget = () => binned.set(null);
    addEventListener("hashchange", forget);
    return () => removeEventListener("hashchange", forget);
  }, []);

  return (
    <div role="status">
      {session && (
        <div className="note undo">
          <p>
            <span className="clipped">“{session.title}”</span> is in the bin. It stays there for a while.
          </p>
          <button
            ref={undoButton}
            type="button"
            className="button"
            disabled={undoing.isPending}
            onClick={() => undoing.mutate(session.id)}
          >
            Undo
          </button>{" "}
          <button type="button" className="button button-plain" onClick={() => binned.set(null)}>
            Dismiss
          </button>
        </div>
      )}
      {undoing.isError && <ErrorNote error={undoing.error} />}
    </div>
  );
}
