import { useQuery } from "@tanstack/react-query";
import { useId, useState, type KeyboardEvent } from "react";

import { documents } from "../api/calls";
import { useDebounced } from "../ui/debounced";
import { ErrorNote } from "../ui/ErrorNote";
import type { NamedDocument } from "./review";

const TYPING_MS = 250;
const TITLE_MAX_CHARS = 200;

interface Properties {
  /** Those that are likely. */
  offered: NamedDocument[];
  chosen: string[];
  choose: (ids: string[]) => void;
}

/** The documents that answer a question: the likely ones, and others by their title. */
export function DocumentChoice({ offered, chosen, choose }: Properties) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const title = useDebounced(typed.trim(), TYPING_MS);
  // Found earlier and chosen: kept in view when another title is looked for.
  const [kept, setKept] = useState<NamedDocument[]>([]);
  const found = useQuery({
    queryKey: ["documents by title", title],
    queryFn: () => documents(title, null),
    enabled: title !== "",
  });
  const matches = (found.data?.items ?? []).map((one) => ({ id: one.document_id, title: one.title }));
  const shown = new Map([...offered, ...kept, ...matches].map((one) => [one.id, one.title]));

  const toggle = (one: NamedDocument, wanted: boolean) => {
    if (wanted && !kept.some((other) => other.id === one.id)) setKept([...kept, one]);
    choose(wanted ? [...chosen, one.id] : chosen.filter((other) => other !== one.id));
  };
  const keyDown = (event: KeyboardEvent) => {
    // Enter looks for the title; it doesn't send the form around it.
    if (event.key === "Enter") event.preventDefault();
  };

  return (
    <fieldset className="choice">
      <legend>Documents that answer it</legend>
      {[...shown].map(([documentId, name]) => (
        <label className="switch" key={documentId}>
          <input
            type="checkbox"
            checked={chosen.includes(documentId)}
            onChange={(event) => toggle({ id: documentId, title: name }, event.target.checked)}
          />
          {name}
        </label>
      ))}
      <div className="setting">
        <label className="quiet" htmlFor={id}>
          Find a document by its title
        </label>
        <input
          id={id}
          type="search"
          maxLength={TITLE_MAX_CHARS}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={keyDown}
        />
        <p className="quiet" role="status">
          {title !== "" && found.isSuccess && matches.length === 0 ? "No document has such a title." : ""}
        </p>
      </div>
      {found.isError && <ErrorNote error={found.error} />}
    </fieldset>
  );
}
