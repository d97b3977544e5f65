import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { AdminPage } from "../account/AdminPage";
import { reviews } from "../api/admin-calls";
import { focusPage } from "../ui/focus";
import { usePaged } from "../ui/paged";
import { PagedList } from "../ui/PagedList";
import { QuestionSets, SETS_KEY } from "./QuestionSets";
import { ReviewItem } from "./ReviewItem";

/** What went wrong or is asked often, and the evaluation questions that admins make of it. */
export function Reviews() {
  return (
    <AdminPage title="Reviews">
      <Waiting />
      <QuestionSets />
    </AdminPage>
  );
}

function Waiting() {
  const queries = useQueryClient();
  const [said, setSaid] = useState("");
  const list = usePaged(["reviews"], reviews);
  const decided = async (outcome: string) => {
    await Promise.all([["reviews"], SETS_KEY].map((queryKey) => queries.invalidateQueries({ queryKey })));
    setSaid(outcome);
    focusPage();
  };
  return (
    <>
      <p className="quiet">
        Answers that were rated 1 or 2, and questions that at least 3 people asked in vain or that are asked often. What
        you decide about is listed no more.
      </p>
      <p className="decided" role="status">
        {said}
      </p>
      <PagedList list={list} empty="Nothing waits for a review." more="Older entries">
        <ul className="feedback" aria-label="Waiting for review">
          {list.items.map((review) => (
            <ReviewItem key={review.message_id} review={review} decided={decided} />
          ))}
        </ul>
      </PagedList>
    </>
  );
}
