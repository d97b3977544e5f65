import * as Dialog from "@radix-ui/react-dialog";
import { useMutation } from "@tanstack/react-query";
import { useId } from "react";

import { changeSession } from "../api/calls";
import type { ChatSession } from "../api/contracts";
import { hashOf } from "../route";
import { sessionsChanged } from "../state";
import { ErrorNote } from "../ui/ErrorNote";

interface Properties {
  session: ChatSession;
  open: boolean;
  setOpen: (open: boolean) => void;
}

/** What sharing means, and the button that begins or ends it. */
export function ShareDialog({ session, open, setOpen }: Properties) {
  const linkId = useId();
  const changing = useMutation({
    mutationFn: async (shared: boolean) => {
      await changeSession(session.id, { shared });
      await sessionsChanged();
    },
  });
  const link = new URL(hashOf({ page: "session", sessionId: session.id }), location.href).href;
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Portal>
        <div className="backdrop" />
        <Dialog.Content className="dialog">
          <header className="dialog-header">
            <Dialog.Title>Share with colleagues</Dialog.Title>
            <Dialog.Close className="button button-plain">Close</Dialog.Close>
          </header>
          <Dialog.Description>
            Every member of your organisation can read “{session.title}”, in the versions that you see, and what you
            ask in it later. Nobody but you can continue, change or rate it. What comes from documents that a reader may not
            open is blanked for them.
          </Dialog.Description>
          <p className="share-state" role="status">
            {session.shared ? "It is shared now." : "It is not shared now: only you can read it."}
          </p>
          {session.shared && (
            <>
              <label htmlFor={linkId}>Link for colleagues</label>
              <input id={linkId} readOnly value={link} onFocus={(event) => event.target.select()} />
            </>
          )}
          {changing.isError && <ErrorNote error={changing.error} />}
          <div className="dialog-actions">
            <button
              type="button"
              className={session.shared ? "button" : "button button-strong"}
              disabled={changing.isPending}
              onClick={() => changing.mutate(!session.shared)}
            >
              {session.shared ? "Stop sharing" : "Share"}
            </button>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
