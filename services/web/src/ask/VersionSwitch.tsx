import { useState } from "react";

import { ErrorNote } from "../ui/ErrorNote";

interface Properties {
  /** What there are versions of, as its buttons name it. */
  of: "question" | "answer";
  versions: string[];
  /** The version that is shown. */
  shown: string;
  busy: boolean;
  show: (messageId: string) => Promise<void>;
}

/** "‹ 2/3 ›": other questions asked in one's place, or other answers to it. Nothing where there is only one. */
export function VersionSwitch({ of, versions, shown, busy, show }: Properties) {
  const [working, setWorking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const at = versions.indexOf(shown);
  if (versions.length < 2 || at === -1) return null;

  const move = async (to: string) => {
    setWorking(true);
    setError(null);
    try {
      await show(to);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setWorking(false);
    }
  };

  const step = (label: string, sign: string, to: string | undefined) => {
    const off = busy || working || to === undefined;
    return (
      // Not `disabled`, which would drop the focus at the last version.
      <button
        type="button"
        className="button button-plain"
        aria-label={`${label} ${of}`}
        aria-disabled={off}
        onClick={() => to !== undefined && !off && void move(to)}
      >
        {sign}
      </button>
    );
  };

  return (
    <>
      <div className="versions" role="group" aria-label={`Versions of the ${of}`}>
        {step("Earlier", "‹", versions[at - 1])}
        <span aria-live="polite">
          <span className="unseen">Version </span>
          {at + 1}/{versions.length}
        </span>
        {step("Later", "›", versions[at + 1])}
      </div>
      {error !== null && <ErrorNote error={error} />}
    </>
  );
}
