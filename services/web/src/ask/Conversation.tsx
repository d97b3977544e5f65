import { useQuery } from "@tanstack/react-query";
import { useEffect, useLayoutEffect, useRef, useState } from "react";

import { messages } from "../api/calls";
import type { ChatMessage, Source, TextSpan } from "../api/contracts";
import { replaceRoute } from "../route";
import { liveTurns } from "../state";
import { useStore } from "../store";
import { ErrorNote } from "../ui/ErrorNote";
import { AnsweredTurn } from "./AnsweredTurn";
import { AskBox } from "./AskBox";
import { PassagePanel } from "./PassagePanel";
import { inProgress, mergedTurns, storedTurns, turnId } from "./turns";

const NEAR_END_PX = 120;
const POLL_MS = 2_000;

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
  const [draft, setDraft] = useState("");
  const [opened, setOpened] = useState<OpenedPassage | null>(null);
  const allLive = useStore(liveTurns.turns);

  const live = allLive.filter((turn) => (sessionId ? turn.sessionId === sessionId : turn.key === askedKey));
  const answering = live.find(inProgress) ?? null;
  const begun = sessionId === null ? (live[0]?.sessionId ?? null) : null;

  useEffect(() => {
    if (begun) replaceRoute({ page: "session", sessionId: begun });
  }, [begun]);

  const stored = useQuery({
    queryKey: ["messages", sessionId],
    queryFn: () => messages(sessionId ?? ""),
    // What is stored while an answer is on its way is only half of it.
    enabled: sessionId !== null && !answering,
    // An answer may be on its way to another tab.
    refetchInterval: ({ state }) => (state.data?.some(isGenerating) === true ? POLL_MS : false),
  });

  const turns = mergedTurns(sessionId ? storedTurns(sessionId, stored.data ?? []) : [], live);

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

  return (
    <>
      <main className="page conversation" ref={page} tabIndex={-1} onScroll={scrolled}>
        <h1 className="unseen">{sessionId ? "Conversation" : "Ask your documents"}</h1>
        {turns.length === 0 && sessionId === null && <Welcome />}
        {stored.isError && (
          <ErrorNote error={stored.error} retry={{ label: "Try again", action: () => void stored.refetch() }} />
        )}
        {stored.isLoading && <p className="working">Opening</p>}
        <div role="log" aria-label="Questions and answers">
          {turns.map((turn) => (
            <AnsweredTurn
              key={turnId(turn)}
              turn={turn}
              opened={opened?.turnId === turnId(turn) ? opened : null}
              open={setOpened}
              askAgain={setDraft}
            />
          ))}
        </div>
        <AskBox
          draft={draft}
          setDraft={setDraft}
          ask={ask}
          stop={answering ? () => liveTurns.stop(answering.key) : null}
        />
      </main>
      {opened && <PassagePanel opened={opened} onClose={() => setOpened(null)} />}
    </>
  );
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
