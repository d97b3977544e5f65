import { useId } from "react";

import { INSTRUCTIONS_MAX_CHARS } from "../api/contracts";

interface Properties {
  label: string;
  about: string;
  text: string;
  change: (text: string) => void;
}

/** Instructions in free words. */
export function Wishes({ label, about, text, change }: Properties) {
  const id = useId();
  return (
    <div className="setting">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        rows={4}
        maxLength={INSTRUCTIONS_MAX_CHARS}
        value={text}
        aria-describedby={`${id}-about`}
        onChange={(event) => change(event.target.value)}
      />
      <p className="quiet" id={`${id}-about`}>
        {about}
      </p>
    </div>
  );
}
