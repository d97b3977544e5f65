import { useQuery, useQueryClient } from "@tanstack/react-query";

import { AdminPage } from "../account/AdminPage";
import { answerCache, answerPolicy, emptyAnswerCache } from "../api/admin-calls";
import { hashOf } from "../route";
import { POLICY_KEY } from "../settings/AnswerPolicyForm";
import { ConfirmDelete } from "../ui/ConfirmDelete";
import { ErrorNote } from "../ui/ErrorNote";
import { figuresOf } from "./figures";
import { WarmUp } from "./WarmUp";

const KEY = ["answer-cache"];

/** What the cache of answers has given and holds, and what admins can do with it. */
export function AnswerCache() {
  return (
    <AdminPage title="Answer cache">
      <Figures />
    </AdminPage>
  );
}

function Figures() {
  const queries = useQueryClient();
  const report = useQuery({ queryKey: KEY, queryFn: answerCache });
  const policy = useQuery({ queryKey: POLICY_KEY, queryFn: answerPolicy });
  const read = () => queries.invalidateQueries({ queryKey: KEY });

  if (report.isPending) return <p className="working">Opening</p>;
  if (report.isError) return <ErrorNote error={report.error} retry={{ label: "Try again", action: () => void read() }} />;
  const empty = async () => {
    await emptyAnswerCache();
    await read();
  };
  return (
    <>
      <p className="quiet">
        An answer that was given before is given again to the same question, or to one that means the same. Any change of
        the documents ends that.
      </p>
      {policy.data?.cache_answers === false && (
        <p className="note">
          The cache is turned off: no answer is kept or given again. <a href={hashOf({ page: "settings" })}>Settings</a>{" "}
          turn it on.
        </p>
      )}
      <dl className="figures">
        {figuresOf(report.data).map(({ label, value, about }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <span className="figure">{value}</span> <span className="quiet">{about}</span>
            </dd>
          </div>
        ))}
      </dl>
      <div className="cache-actions">
        <button type="button" className="button" disabled={report.isFetching} onClick={() => void read()}>
          Read again
        </button>
        <ConfirmDelete
          what="all kept answers"
          consequence="Every question is answered anew from now on, until its answer is kept again. Conversations stay as they are."
          label="Delete all kept answers"
          trigger="Delete all kept answers"
          remove={empty}
        />
      </div>
      <WarmUp started={read} />
    </>
  );
}
