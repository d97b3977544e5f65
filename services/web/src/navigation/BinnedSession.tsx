import { useMutation } from "@tanstack/react-query";

import { purgeSession, restoreSession } from "../api/calls";
import type { ChatSession } from "../api/contracts";
import { go } from "../route";
import { binned, sessionsChanged } from "../state";
import { ConfirmDelete } from "../ui/ConfirmDelete";
import { ErrorNote } from "../ui/ErrorNote";
import { formatDate } from "../ui/format";

/** A conversation in the bin: it comes back, or goes for good. */
export function BinnedSession({ session, deletedAt }: { session: ChatSession; deletedAt: string }) {
  const restoring = useMutation({
    mutationFn: async () => {
      await restoreSession(session.id);
      forgetUndo(session.id);
      await go({ page: "session", sessionId: session.id });
      await sessionsChanged();
    },
  });
  const purge = async () => {
    await purgeSession(session.id);
    forgetUndo(session.id);
    await sessionsChanged();
  };
  return (
    <li className="binned">
      <p title={session.title}>
        <span className="clipped">{session.title}</span>
        <span className="quiet">Deleted {formatDate(deletedAt)}</span>
      </p>
      <button
        type="button"
        className="button button-plain"
        aria-label={`Restore ${session.title}`}
        disabled={restoring.isPending}
        onClick={() => restoring.mutate()}
      >
        Restore
      </button>
      <ConfirmDelete
        what="this conversation for good"
        consequence={`“${session.title}”, its answers and their ratings can’t be brought back.`}
        label={`Delete ${session.title} for good`}
        remove={purge}
      />
      {restoring.isError && <ErrorNote error={restoring.error} />}
    </li>
  );
}

function forgetUndo(sessionId: string): void {
  if (binned.get()?.id === sessionId) binned.set(null);
}
