import { useMutation, useQuery } from "@tanstack/react-query";

import { questionSet, questionSets } from "../api/admin-calls";
import type { QuestionSetSummary } from "../api/admin-contracts";
import { download } from "../ui/download";
import { ErrorNote } from "../ui/ErrorNote";
import { counted, formatDate } from "../ui/format";
import { fileOf } from "./question-file";

export const SETS_KEY = ["question-sets"];

/** The evaluation sets that questions were made for, each as a file. */
export function QuestionSets() {
  const sets = useQuery({ queryKey: SETS_KEY, queryFn: questionSets });
  return (
    <section className="question-sets" aria-labelledby="question-sets">
      <h2 id="question-sets">Question sets</h2>
      {sets.isPending && <p className="working">Opening</p>}
      {sets.isError && (
        <ErrorNote error={sets.error} retry={{ label: "Try again", action: () => void sets.refetch() }} />
      )}
      {sets.data?.length === 0 && <p className="quiet">None yet. The first question makes one.</p>}
      <ul className="documents">
        {sets.data?.map((set) => (
          <SetItem key={set.set_id} set={set} />
        ))}
      </ul>
    </section>
  );
}

function SetItem({ set }: { set: QuestionSetSummary }) {
  const saving = useMutation({
    mutationFn: () => questionSet(set.set_id),
    onSuccess: (whole) => download(fileOf(whole)),
  });
  return (
    <li>
      <div className="document">
        <p className="document-title">{set.name}</p>
        <p className="quiet">
          {counted(set.questions, "question")} · changed {formatDate(set.updated_at)}
        </p>
        {saving.isError && <ErrorNote error={saving.error} />}
      </div>
      <button
        type="button"
        className="button"
        disabled={saving.isPending}
        aria-label={`Download the set ${set.name}`}
        onClick={() => saving.mutate()}
      >
        Download
      </button>
    </li>
  );
}
