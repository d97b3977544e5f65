import { useQuery } from "@tanstack/react-query";

import { usage } from "../api/calls";
import type { ResourceUsage } from "../api/contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { Page } from "../ui/Page";
import { formatBytes, formatDate, formatDateTime, formatNumber } from "../ui/format";

const LABELS: Record<string, string> = {
  messages: "Messages this month",
  api_calls: "API calls today",
  storage_bytes: "Storage",
};
const NEARLY_FULL = 0.9;

export function Usage() {
  const current = useQuery({ queryKey: ["usage"], queryFn: usage });
  return (
    <Page title="Usage">
      {current.isPending && <p className="working">Opening</p>}
      {current.isError && (
        <ErrorNote error={current.error} retry={{ label: "Try again", action: () => void current.refetch() }} />
      )}
      {current.data && (
        <>
          <p>
            Your organisation is on the <strong>{current.data.plan}</strong> plan.{" "}
            <span className="quiet">
              This period runs from {formatDate(current.data.period_start)} to {formatDate(current.data.period_end)}.
            </span>
          </p>
          <ul className="usage">
            {Object.entries(current.data.resources).map(([name, resource]) => (
              <Resource key={name} name={name} resource={resource} />
            ))}
          </ul>
        </>
      )}
    </Page>
  );
}

function Resource({ name, resource }: { name: string; resource: ResourceUsage }) {
  const { used, limit, resets_at } = resource;
  const format = name === "storage_bytes" ? formatBytes : formatNumber;
  const share = limit === null ? 0 : limit === 0 ? 1 : Math.min(1, used / limit);
  const text = limit === null ? `${format(used)}, no limit` : `${format(used)} of ${format(limit)}`;
  return (
    <li>
      <h2>{LABELS[name] ?? name}</h2>
      <p>{text}</p>
      {limit !== null && (
        // The line above says the same in words.
        <div className={share >= NEARLY_FULL ? "bar bar-full" : "bar"} aria-hidden="true">
          <div style={{ width: `${share * 100}%` }} />
        </div>
      )}
      {resets_at && <p className="quiet">Starts again {formatDateTime(resets_at)}</p>}
    </li>
  );
}
