import { useId, useState } from "react";

import { AdminPage } from "../account/AdminPage";
import { givenFeedback } from "../api/admin-calls";
import type { GivenFeedback } from "../api/admin-contracts";
import { formatDateTime } from "../ui/format";
import { usePaged } from "../ui/paged";
import { PagedList } from "../ui/PagedList";
import { OUTCOMES } from "./outcomes";

/** How members rated their answers, for the organisation's admins. */
export function GivenFeedbackList() {
  return (
    <AdminPage title="Feedback">
      <Ratings />
    </AdminPage>
  );
}

function Ratings() {
  const [most, setMost] = useState(5);
  const filterId = useId();
  const list = usePaged(["feedback", most], (cursor) => givenFeedback(most, cursor));
  return (
    <>
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
      <PagedList
        list={list}
        empty={most < 5 ? "No answer was rated so." : "Nobody has rated an answer yet."}
        more="Older ratings"
      >
        <ul className="feedback" aria-label="Ratings">
          {list.items.map((item) => (
            <Given key={item.message_id} given={item} />
          ))}
        </ul>
      </PagedList>
    </>
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
