import { useMutation } from "@tanstack/react-query";

import { decide } from "../api/admin-calls";
import type { Review } from "../api/admin-contracts";
import { TraceDialog } from "../ask/TraceDialog";
import { hashOf } from "../route";
import { ErrorNote } from "../ui/ErrorNote";
import { formatNumber } from "../ui/format";
import { MakeQuestion } from "./MakeQuestion";
import { documentsOf, factsOf, REASONS } from "./review";

interface Properties {
  review: Review;
  /** Told what became of it; settles when it is listed no more. */
  decided: (outcome: string) => Promise<void>;
}

/** What waits for a decision: why, the question and what is known of its answer. */
export function ReviewItem({ review, decided }: Properties) {
  const { message_id, reasons, question, asked, feedback, answer, sources, owned } = review;
  const dismissing = useMutation({
    mutationFn: () => decide(message_id, { decision: "dismiss" }),
    onSuccess: () => decided(`Dismissed: ${question}`),
  });
  return (
    <li>
      {feedback ? (
        <p className="rated rated-bad">
          {feedback.rating} <span className="quiet">of 5</span>
        </p>
      ) : (
        <p className="rated">
          {formatNumber(asked)} <span className="quiet">times</span>
        </p>
      )}
      <div>
        {feedback?.comment && <p className="rating-comment">{feedback.comment}</p>}
        <h2>{question}</h2>
        <ul className="reasons" aria-label="Why it is listed">
          {reasons.map((reason) => (
            <li key={reason} className="status">
              {REASONS[reason]}
            </li>
          ))}
        </ul>
        {answer !== null && (
          <details>
            <summary>The answer</summary>
            <p className="answer">{answer || "Nothing was said."}</p>
            <ul className="cited" aria-label="Documents behind it">
              {documentsOf(sources).map(({ id, title }) => (
                <li key={id}>
                  <a href={hashOf({ page: "document", documentId: id })}>{title}</a>
                </li>
              ))}
            </ul>
          </details>
        )}
        <p className="quiet">{factsOf(review).join(" · ")}</p>
        {dismissing.isError && <ErrorNote error={dismissing.error} />}
        <div className="turn-actions">
          <MakeQuestion review={review} decided={decided} />
          <button
            type="button"
            className="link"
            disabled={dismissing.isPending}
            aria-label={`Dismiss: ${question}`}
            onClick={() => dismissing.mutate()}
          >
            Dismiss
          </button>
          {owned && answer !== null && <TraceDialog messageId={message_id} sources={sources} />}
        </div>
      </div>
    </li>
  );
}
