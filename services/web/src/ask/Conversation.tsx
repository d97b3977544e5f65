import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useLayoutEffect, useRef, useState } from "react";

import { changeSession, messages, session, stopAnswer } from "../api/calls";
import type { ChatMessage, ChatSession, Feedback, Source, TextSpan } from "../api/contracts";
import { asApiError, retryAfterMs } from "../api/errors";
import { replaceRoute } from "../route";
import { drafts, liveTurns } from "../state";
import { useStore } from "../store";
import { ErrorNote } from "../ui/ErrorNote";
import { AnsweredTurn, type TurnActions } from "./AnsweredTurn";
import { AskBox } from "./AskBox";
import { PassagePanel } from "./PassagePanel";
import { inProgress, mergedTurns, storedTurns, turnId, type Turn } from "./turns";

const NEAR_END_PX = 120;
const POLL_MS = 2_000;
const NOT_FOUND = 404;

/** A passage shown beside the answer that cites it; `spans` are what is cited of it. */
export interface OpenedPassage {
  turnId: string;
  source: Source;
  spans: TextSpan[];
  /** Where the citation begins in the answer; null where the source itself was opened. */
  citedAt: number | null;
  /** The button that opened it, where the focus returns. */
  opener: HTMLElement;
}

/** A session's questions and answers, or the place to begin one where `sessionId` is null. */
export function Conversation({ sessionId }: { sessionId: string | null }) {
  const [askedKey, setAskedKey] = useState<string | null>(null);
  const [draft, showDraft] = useState(() => drafts.of(sessionId));
  const [opened, setOpened] = useState<OpenedPassage | null>(null);
  const [stopError, setStopError] = useState<unknown>(null);
  const allLive = useStore(liveTurns.turns);

  const live = allLive.filter((turn) => (sessionId ? turn.sessionId === sessionId : turn.key === askedKey));
  const begun = sessionId === null ? (live[0]?.sessionId ?? null) : null;

  const setDraft = (text: string) => {
    showDraft(text);
    drafts.keep(sessionId ?? begun, text);
  };

  useEffect(() => {
    if (!begun) return;
    drafts.begun(begun);
    replaceRoute({ page: "session", sessionId: begun });
  }, [begun]);

  const queryClient = useQueryClient();
  const about = useQuery({
    queryKey: ["session", sessionId],
    queryFn: () => session(sessionId ?? ""),
    enabled: sessionId !== null,
  });
  const stored = useQuery({
    queryKey: ["messages", sessionId],
    queryFn: async (): Promise<ReadMessages> => {
      const readAt = Date.now();
      return { readAt, items: await messages(sessionId ?? "") };
    },
    // What is stored while an answer is on its way is only half of it.
    enabled: sessionId !== null && !live.some(inProgress),
    // An answer may be on its way to another tab.
    refetchInterval: ({ state }) =>
      retryAfterMs(state.error) || (state.data?.items.some(isGenerating) === true && POLL_MS),
  });

  const failed = [stored, about].find((query) => query.isError);
  const turns = mergedTurns(
    sessionId ? storedTurns(sessionId, stored.data?.items ?? []) : [],
    live,
    stored.data?.readAt ?? 0,
  );
  const answering = turns.find(inProgress) ?? null;
  // Whoever has asked here owns it, also before the server has said so.
  const owned = about.data?.owned ?? (sessionId === null || live.length > 0);

  const page = useRef<HTMLElement>(null);
  const atEnd = useRef(true);

  // Keeps the end in view while an answer grows, unless the reader has scrolled away from it.
  useLayoutEffect(() => {
    if (page.current && atEnd.current) page.current.scrollTop = page.current.scrollHeight;
  });

  const scrolled = () => {
    if (!page.current) return;
    const { scrollHeight, scrollTop, clientHeight } = page.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  };

  const ask = () => {
    atEnd.current = true;
    setAskedKey(liveTurns.ask(draft, sessionId));
    setDraft("");
  };

  const stop = async ({ key, messageId }: Turn) => {
    setStopError(null);
    if (live.some((turn) => turn.key === key)) return liveTurns.stop(key);
    // It is on its way to another tab or device, whose connection can't be closed from here.
    if (messageId) await stopAnswer(messageId).catch(setStopError);
    await stored.refetch();
  };

  const begin = () => {
    atEnd.current = true;
    // The button that began it is about to go.
    page.current?.focus();
  };

  const actions: TurnActions = {
    busy: answering !== null,
    askAgain: setDraft,
    answerAgain: (turn) => {
      begin();
      liveTurns.answerAgain(turn);
    },
    edit: (turn, question) => {
      begin();
      liveTurns.ask(question, sessionId, turn.questionId);
    },
    dismiss: (turn) => liveTurns.dismiss(turn.key),
    show: async (messageId) => {
      if (sessionId === null) return;
      // The reader looks at this turn, not at the end of its branch.
      atEnd.current = false;
      await changeSession(sessionId, { current_message_id: messageId });
      await queryClient.invalidateQueries({ queryKey: ["messages", sessionId] });
    },
    rated: (messageId, feedback) => {
      const change = (read: ReadMessages | undefined) => read && rated(read, messageId, feedback);
      queryClient.setQueryData<ReadMessages>(["messages", sessionId], change);
    },
  };

  return (
    <>
      <main className="page conversation" ref={page} tabIndex={-1} onScroll={scrolled}>
        <h1 className="unseen">{sessionId ? "Conversation" : "Ask your documents"}</h1>
        {turns.length === 0 && sessionId === null && <Welcome />}
        {about.data && <AboutSession session={about.data} />}
        {failed &&
          (asApiError(failed.error).status === NOT_FOUND ? (
            <p className="note">
              This conversation can’t be read. It may lie in the bin, have been deleted for good, or no longer be
              shared.
            </p>
          ) : (
            <ErrorNote error={failed.error} retry={{ label: "Try again", action: () => void failed.refetch() }} />
          ))}
        {stored.isLoading && <p className="working">Opening</p>}
        <div role="log" aria-label="Questions and answers">
          {turns.map((turn, place) => (
            <AnsweredTurn
              // A turn keeps its place while it is stored, answered again or shown in another version.
              key={place}
              turn={turn}
              opened={opened?.turnId === turnId(turn) ? opened : null}
              open={setOpened}
              actions={owned ? actions : null}
            />
          ))}
        </div>
        {answering && stopError !== null && <ErrorNote error={stopError} />}
        {owned && (
          <AskBox
            draft={draft}
            setDraft={setDraft}
            ask={ask}
            stop={answering ? () => void stop(answering) : null}
          />
        )}
      </main>
      {opened && <PassagePanel opened={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

/** `readAt` is when reading began, in milliseconds. */
interface ReadMessages {
  readAt: number;
  items: ChatMessage[];
}

function rated(read: ReadMessages, messageId: string, feedback: Feedback | null): ReadMessages {
  return { ...read, items: read.items.map((item) => (item.id === messageId ? { ...item, feedback } : item)) };
}

function isGenerating(message: ChatMessage): boolean {
  return message.status === "generating";
}

function Welcome() {
  return (
    <div className="welcome">
      <p className="welcome-title">Ask your documents.</p>
      <p>
        The answer is written only from passages you may read, and each sentence cites the passage it comes from. Where
        your documents don’t say, the answer is that Footnote doesn’t know.
      </p>
    </div>
  );
}

/** What a reader must know of a conversation before reading it. */
function AboutSession({ session: { title, owned, shared, imported } }: { session: ChatSession }) {
  const notes = [
    owned
      ? shared && "Shared: every member of your organisation can read this conversation."
      : `“${title}”. Shared by a colleague. You can read it, but not continue it. ` +
        "What comes from documents that you may not read is blanked.",
    imported && "Imported from a file. The answers that came with it were not verified here.",
  ].filter((note) => note !== false);
  return notes.map((note) => (
    <p key={note} className="note about">
      {note}
    </p>
  ));
}
