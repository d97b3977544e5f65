import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";

import { deleteSession, sessions } from "../api/calls";
import type { ChatSession } from "../api/contracts";
import { go, hashOf } from "../route";
import { liveTurns } from "../state";
import { ConfirmDelete } from "../ui/ConfirmDelete";
import { ErrorNote } from "../ui/ErrorNote";

export function Sessions({ current }: { current: string | null }) {
  const list = useInfiniteQuery({
    queryKey: ["sessions"],
    queryFn: ({ pageParam }) => sessions(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="sessions" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Conversations</h2>
      {list.isError && (
        <ErrorNote error={list.error} retry={{ label: "Try again", action: () => void list.refetch() }} />
      )}
      {list.isSuccess && items.length === 0 && <p className="quiet">None yet. Ask a question to begin one.</p>}
      <ul>
        {items.map((session) => (
          <SessionItem key={session.id} session={session} current={session.id === current} />
        ))}
      </ul>
      {list.hasNextPage && (
        <button
          type="button"
          className="button button-plain"
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          Older conversations
        </button>
      )}
    </section>
  );
}

function SessionItem({ session, current }: { session: ChatSession; current: boolean }) {
  const queryClient = useQueryClient();
  const remove = async () => {
    await deleteSession(session.id);
    liveTurns.forget(session.id);
    queryClient.removeQueries({ queryKey: ["messages", session.id] });
    if (current) go({ page: "ask" });
    await queryClient.invalidateQueries({ queryKey: ["sessions"] });
  };
  return (
    <li className={current ? "current" : undefined}>
      <a
        className="clipped"
        href={hashOf({ page: "session", sessionId: session.id })}
        aria-current={current ? "page" : undefined}
        title={session.title}
      >
        {session.title}
      </a>
      <ConfirmDelete
        what="this conversation"
        consequence={`“${session.title}” and its answers are removed for good.`}
        label={`Delete the conversation ${session.title}`}
        remove={remove}
      />
    </li>
  );
}
