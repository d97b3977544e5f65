import { useInfiniteQuery } from "@tanstack/react-query";
import { useId, useState } from "react";

import { givenFeedback } from "../api/calls";
import type { GivenFeedback } from "../api/contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { Page } from "../ui/Page";
import { formatDateTime } from "../ui/format";

const OUTCOMES: Record<NonNullable<GivenFeedback["outcome"]>, string> = {
  answered: "from documents",
  abstained: "not known",
  ungrounded: "not from documents",
  refused: "refused",
};

/** How members rated their answers, for the organisation's admins. */
export function GivenFeedbackList() {
  const [most, setMost] = useState(5);
  const filterId = useId();
  const list = useInfiniteQuery({
    queryKey: ["feedback", most],
    queryFn: ({ pageParam }) => givenFeedback(most, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];

  return (
    <Page title="Feedback">
      <div className="filter">
        <label htmlFor={filterId}>Show</label>
        <select id={filterId} value={most} onChange={(event) => setMost(Number(event.target.value))}>
          <option value={5}>All ratings</option>
          <option value={4}>4 or worse</option>
          <option value={3}>3 or worse</option>
          <option value={2}>2 or worse</option>
          <option value={1}>Only 1, useless</option>
        </select>
      </div>
      {list.isPending && <p className="working">Opening</p>}
      {list.isError && (
        <ErrorNote error={list.error} retry={{ label: "Try again", action: () => void list.refetch() }} />
      )}
      {list.isSuccess && items.length === 0 && (
        <p className="quiet nothing">{most < 5 ? "No answer was rated so." : "Nobody has rated an answer yet."}</p>
      )}
      <ul className="feedback" aria-label="Ratings">
        {items.map((item) => (
          <Given key={item.message_id} given={item} />
        ))}
      </ul>
      {list.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          Older ratings
        </button>
      )}
    </Page>
  );
}

function Given({ given }: { given: GivenFeedback }) {
  const { feedback, question, answer, outcome, model_used, given_at } = given;
  const facts = [
    outcome ? OUTCOMES[outcome] : "",
    model_used ? `model ${model_used}` : "",
    formatDateTime(given_at),
  ];
  return (
    <li>
      <p className={feedback.rating <= 2 ? "rated rated-bad" : "rated"}>
        {feedback.rating} <span className="quiet">of 5</span>
      </p>
      <div>
        {feedback.comment && <p className="rating-comment">{feedback.comment}</p>}
        <h2>{question}</h2>
        <details>
          <summary>The answer</summary>
          <p className="answer">{answer || "Nothing was said."}</p>
        </details>
        <p className="quiet">{facts.filter((fact) => fact !== "").join(" · ")}</p>
      </div>
    </li>
  );
}
