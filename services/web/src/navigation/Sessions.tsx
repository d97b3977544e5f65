import { useId, useRef, useState, type KeyboardEvent } from "react";

import { sessions } from "../api/calls";
import type { ChatSession, Which } from "../api/contracts";
import { arrowTarget } from "../ui/arrows";
import { useDebounced } from "../ui/debounced";
import { counted } from "../ui/format";
import { usePaged } from "../ui/paged";
import { PagedList } from "../ui/PagedList";
import { BinnedSession } from "./BinnedSession";
import { ImportSession } from "./ImportSession";
import { SessionItem } from "./SessionItem";
import { UndoDelete } from "./UndoDelete";

const TYPING_MS = 250;
const WORDS_MAX_CHARS = 200;

const VIEWS: { which: Which; label: string; empty: string }[] = [
  { which: "own", label: "Mine", empty: "None yet. Ask a question to begin one." },
  { which: "shared", label: "Shared with me", empty: "No colleague shares a conversation." },
  { which: "deleted", label: "Bin", empty: "The bin is empty." },
];

/** The user's conversations, those that colleagues share, and the bin; each can be searched. */
export function Sessions({ current }: { current: string | null }) {
  const [which, setWhich] = useState<Which>("own");
  const [typed, setTyped] = useState("");
  const words = useDebounced(typed.trim(), TYPING_MS);
  const searchId = useId();
  const list = useRef<HTMLUListElement>(null);
  const found = usePaged(["sessions", which, words], (cursor) => sessions(which, words, cursor), {
    // While more words are typed, what was found by fewer stays.
    placeholderData: (previous, query) => (query?.queryKey[1] === which ? previous : undefined),
  });
  const settled = found.query.isSuccess && !found.query.isPlaceholderData;
  const empty = words ? "No conversation has these words." : (VIEWS.find((view) => view.which === which)?.empty ?? "");

  const searchKey = (event: KeyboardEvent) => {
    if (event.key === "Escape" && typed !== "") {
      event.preventDefault();
      setTyped("");
    }
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    list.current?.querySelector("a")?.focus();
  };
  const listKey = (event: KeyboardEvent<HTMLUListElement>) => {
    if (!(event.target instanceof HTMLAnchorElement)) return;
    const target = arrowTarget(event, [...event.currentTarget.querySelectorAll("a")]);
    if (!target) return;
    event.preventDefault();
    target.focus();
  };

  return (
    <section className="sessions" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Conversations</h2>
      <div className="sessions-tools">
        <label className="unseen" htmlFor={searchId}>
          Search conversations
        </label>
        <input
          id={searchId}
          type="search"
          value={typed}
          maxLength={WORDS_MAX_CHARS}
          placeholder="Search"
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={searchKey}
        />
        <div className="views" role="group" aria-label="Which conversations">
          {VIEWS.map((view) => (
            <button
              key={view.which}
              type="button"
              aria-pressed={view.which === which}
              onClick={() => setWhich(view.which)}
            >
              {view.label}
            </button>
          ))}
        </div>
      </div>
      <div className="sessions-list">
        <UndoDelete />
        <p className="unseen" role="status">
          {words && settled ? counted(found.items.length, "conversation") + " found" : ""}
        </p>
        <PagedList list={found} empty={empty} more="Older conversations" moreClass="button button-plain">
          <ul ref={list} onKeyDown={listKey}>
            {found.items.map((session) => (
              <Item key={session.id} session={session} current={session.id === current} />
            ))}
          </ul>
        </PagedList>
        {which === "own" && <ImportSession />}
      </div>
    </section>
  );
}

function Item({ session, current }: { session: ChatSession; current: boolean }) {
  if (session.deleted_at !== null) return <BinnedSession session={session} deletedAt={session.deleted_at} />;
  return <SessionItem session={session} current={current} />;
}
