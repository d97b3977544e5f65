import type { ReactNode } from "react";

import { ErrorNote } from "./ErrorNote";
import type { Paged } from "./paged";

interface Properties {
  list: Paged<unknown>;
  /** Said where there is nothing. */
  empty: string;
  /** On the button that reads the next page. */
  more: string;
  moreClass?: string;
  /** The items read so far. */
  children: ReactNode;
}

/** A list that is read page by page, with what is said while it opens, fails, is empty or goes on. */
export function PagedList({ list: { items, query }, empty, more, moreClass = "button", children }: Properties) {
  const readMore = () => void query.fetchNextPage();
  // What failed is said where it was asked for: above the list, or below it when only the next page is missing.
  const cutShort = query.isFetchNextPageError;
  return (
    <>
      {query.isPending && <p className="working">Opening</p>}
      {query.isError && !cutShort && (
        <ErrorNote error={query.error} retry={{ label: "Try again", action: () => void query.refetch() }} />
      )}
      {query.isSuccess && items.length === 0 && <p className="quiet nothing">{empty}</p>}
      {children}
      {cutShort && <ErrorNote error={query.error} retry={{ label: "Try again", action: readMore }} />}
      {query.hasNextPage && !cutShort && (
        <button type="button" className={moreClass} disabled={query.isFetchingNextPage} onClick={readMore}>
          {more}
        </button>
      )}
    </>
  );
}
