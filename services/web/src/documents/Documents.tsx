import { useId, useState, type SubmitEvent } from "react";

import { documents } from "../api/calls";
import type { StoredDocument } from "../api/contracts";
import { retryAfterMs } from "../api/errors";
import { Page } from "../ui/Page";
import { usePaged } from "../ui/paged";
import { PagedList } from "../ui/PagedList";
import { DocumentItem } from "./DocumentItem";
import { UploadArea } from "./UploadArea";

const POLL_MS = 2_000;

export function Documents() {
  const [text, setText] = useState("");
  const filterId = useId();
  const list = usePaged(["documents", text], (cursor) => documents(text, cursor), {
    placeholderData: (previous) => previous,
    refetchInterval: ({ state }) =>
      retryAfterMs(state.error) || (state.data?.pages.some((page) => page.items.some(isUnfinished)) === true && POLL_MS),
  });

  const find = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setText(String(new FormData(event.currentTarget).get("title") ?? ""));
  };

  return (
    <Page title="Documents">
      <UploadArea />
      <form className="filter" onSubmit={find}>
        <label htmlFor={filterId}>Title contains</label>
        <input id={filterId} name="title" type="search" maxLength={200} />
        <button type="submit" className="button">
          Find
        </button>
      </form>
      <PagedList
        list={list}
        empty={text ? "No document has such a title." : "None yet. Add one, then ask about it."}
        more="More documents"
      >
        <ul className="documents">
          {list.items.map((document) => (
            <DocumentItem key={document.document_id} document={document} />
          ))}
        </ul>
      </PagedList>
    </Page>
  );
}

function isUnfinished(document: StoredDocument): boolean {
  return document.status === "pending" || document.status === "processing";
}
