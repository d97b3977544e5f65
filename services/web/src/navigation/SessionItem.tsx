import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { changeSession, deleteSession, exportSession } from "../api/calls";
import type { ChatSession } from "../api/contracts";
import { go, hashOf } from "../route";
import { binned, forgetSession, sessionsChanged } from "../state";
import { download } from "../ui/download";
import { ErrorNote } from "../ui/ErrorNote";
import { useReturnedFocus } from "../ui/focus";
import { Menu, type MenuItem } from "../ui/Menu";
import { RenameSession } from "./RenameSession";
import { PinIcon, SharedIcon } from "./icons";
import { ShareDialog } from "./ShareDialog";

/** A conversation's link, and the menu of what can be done with it. */
export function SessionItem({ session, current }: { session: ChatSession; current: boolean }) {
  const [renaming, setRenaming] = useState(false);
  const [sharing, setSharing] = useState(false);
  const link = useReturnedFocus<HTMLAnchorElement>(renaming);
  const working = useMutation({ mutationFn: (work: () => Promise<void>) => work() });

  const pin = async () => {
    await changeSession(session.id, { pinned: !session.pinned });
    await sessionsChanged();
  };
  const take = async (format: "json" | "markdown") => download(await exportSession(session.id, format));
  const remove = async () => {
    await deleteSession(session.id);
    // The page would ask for it again, and its question box would take the focus from "Undo".
    if (current) await go({ page: "ask" });
    forgetSession(session.id);
    binned.set(session);
    await sessionsChanged();
  };

  const item = (label: string, work: () => Promise<void>): MenuItem => ({ label, action: () => working.mutate(work) });
  const exports = [item("Export as JSON", () => take("json")), item("Export as Markdown", () => take("markdown"))];
  const own = [
    { label: "Rename", action: () => setRenaming(true) },
    item(session.pinned ? "Unpin" : "Pin", pin),
    { label: session.shared ? "Sharing…" : "Share with colleagues…", action: () => setSharing(true) },
    ...exports,
    item("Delete", remove),
  ];

  return (
    <li className={current ? "current" : undefined}>
      {renaming ? (
        <RenameSession session={session} close={() => setRenaming(false)} />
      ) : (
        <>
          <a
            ref={link}
            href={hashOf({ page: "session", sessionId: session.id })}
            aria-current={current ? "page" : undefined}
            title={session.title}
          >
            {session.pinned && <PinIcon />}
            <span className="clipped">{session.title}</span>
            {session.owned && session.shared && <SharedIcon />}
          </a>
          <Menu label={`Options for ${session.title}`} items={session.owned ? own : exports} />
        </>
      )}
      {working.isError && <ErrorNote error={working.error} retry={{ label: "Dismiss", action: working.reset }} />}
      <ShareDialog session={session} open={sharing} setOpen={setSharing} />
    </li>
  );
}
