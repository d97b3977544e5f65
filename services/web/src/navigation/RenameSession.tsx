import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState, type KeyboardEvent, type SubmitEvent } from "react";

import { changeSession } from "../api/calls";
import type { ChatSession } from "../api/contracts";
import { sessionsChanged } from "../state";
import { ErrorNote } from "../ui/ErrorNote";

const TITLE_MAX_CHARS = 200;

/** A conversation's title as a field. Enter and leaving it keep what is typed, Escape doesn't. */
export function RenameSession({ session, close }: { session: ChatSession; close: () => void }) {
  const [title, setTitle] = useState(session.title);
  const field = useRef<HTMLInputElement>(null);
  const renaming = useMutation({
    mutationFn: async () => {
      await changeSession(session.id, { title });
      await sessionsChanged();
    },
    onSuccess: close,
  });

  useEffect(() => field.current?.select(), []);

  const keep = () => {
    if (renaming.isPending) return;
    if (title.trim() === "" || title.trim() === session.title) close();
    else renaming.mutate();
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    keep();
  };
  const keyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    close();
  };

  return (
    <form className="rename" onSubmit={submit}>
      <input
        ref={field}
        autoFocus
        aria-label="Title of the conversation"
        value={title}
        maxLength={TITLE_MAX_CHARS}
        onChange={(event) => setTitle(event.target.value)}
        onKeyDown={keyDown}
        onBlur={() => !renaming.isError && keep()}
      />
      {renaming.isError && <ErrorNote error={renaming.error} />}
    </form>
  );
}
