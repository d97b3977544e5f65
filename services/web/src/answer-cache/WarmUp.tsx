import { useMutation } from "@tanstack/react-query";
import { useId, useState, type SubmitEvent } from "react";

import { warmAnswerCache } from "../api/admin-calls";
import { WARMING_MAX } from "../api/admin-contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { counted } from "../ui/format";

const USUALLY = "20";

/** Fills the cache with the questions that are asked most, after documents changed. */
export function WarmUp({ started }: { started: () => Promise<unknown> }) {
  const id = useId();
  const [most, setMost] = useState(USUALLY);
  const warming = useMutation({ mutationFn: warmAnswerCache, onSuccess: started });
  const warm = (event: SubmitEvent) => {
    event.preventDefault();
    warming.mutate(Number(most));
  };
  return (
    <form className="settings" onSubmit={warm} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Fill it</h2>
      <p className="quiet">
        Questions that at least 3 people asked within 30 days are asked again, the most asked first. They are asked as
        you, and count as your messages.
      </p>
      <div className="saved">
        <label htmlFor={id}>Questions, at most</label>
        <input
          id={id}
          type="number"
          required
          min={1}
          max={WARMING_MAX}
          step={1}
          value={most}
          onChange={(event) => setMost(event.target.value)}
        />
        <button type="submit" className="button" disabled={warming.isPending}>
          Ask them
        </button>
      </div>
      {warming.isError && <ErrorNote error={warming.error} />}
      <p className="quiet" role="status">
        {warming.data === undefined ? "" : told(warming.data)}
      </p>
    </form>
  );
}

function told(questions: number): string {
  if (questions === 0) return "No question was asked by so many people.";
  return `${counted(questions, "question")} will be asked, one after the other.`;
}
