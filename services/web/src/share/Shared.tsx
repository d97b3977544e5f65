import { useQuery } from "@tanstack/react-query";
import { useId, useState, type SubmitEvent } from "react";

import { searchShared, sharedPassage } from "../api/calls";
import type { SearchResult } from "../api/contracts";
import { Place } from "../ask/SourceList";
import { Brand } from "../navigation/Navigation";
import { ErrorNote } from "../ui/ErrorNote";
import { Page } from "../ui/Page";

/** What the holder of a share link sees: a search over the public documents, whose passages open in place. */
export function Shared({ token }: { token: string }) {
  const [query, setQuery] = useState("");
  const queryId = useId();
  const found = useQuery({
    queryKey: ["shared", token, query],
    queryFn: () => searchShared(token, query),
    enabled: query !== "",
    retry: false,
  });

  const search = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setQuery(String(new FormData(event.currentTarget).get("query") ?? "").trim());
  };

  return (
    <div className="shared">
      <Brand />
      <Page title="Public documents">
        <form className="filter" onSubmit={search}>
          <label htmlFor={queryId}>Search for</label>
          <input id={queryId} name="query" type="search" maxLength={2000} required />
          <button type="submit" className="button button-strong">
            Search
          </button>
        </form>
        {found.isFetching && <p className="working">Searching</p>}
        {found.isError && <ErrorNote error={found.error} />}
        {found.data?.results.length === 0 && <p className="quiet">No public document says anything about it.</p>}
        <ol className="found">
          {found.data?.results.map((result) => (
            <Found key={result.chunk_id} token={token} result={result} />
          ))}
        </ol>
      </Page>
    </div>
  );
}

function Found({ token, result }: { token: string; result: SearchResult }) {
  const [open, setOpen] = useState(false);
  const around = useQuery({
    queryKey: ["shared passage", token, result.document_id, result.chunk_id],
    queryFn: () => sharedPassage(token, result.document_id, result.chunk_id),
    enabled: open,
    retry: false,
  });
  return (
    <li>
      <h2>{result.title}</h2>
      <Place title={result.title} location={result.location} />
      <div className="passage-text">
        {around.data?.before && <p className="surroundings">{around.data.before.trim()}</p>}
        <blockquote>{result.content}</blockquote>
        {around.data?.after && <p className="surroundings">{around.data.after.trim()}</p>}
      </div>
      {around.isError && <ErrorNote error={around.error} />}
      {!around.data && (
        <button type="button" className="button" disabled={around.isFetching} onClick={() => setOpen(true)}>
          {around.isFetching ? "Opening…" : "Show it in its document"}
        </button>
      )}
    </li>
  );
}
