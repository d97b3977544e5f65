import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState, type SubmitEvent } from "react";

import { deleteDocument, documents } from "../api/calls";
import type { StoredDocument } from "../api/contracts";
import { liveTurns } from "../state";
import { ConfirmDelete } from "../ui/ConfirmDelete";
import { ErrorNote } from "../ui/ErrorNote";
import { Page } from "../ui/Page";
import { counted, formatBytes, formatDate } from "../ui/format";
import { UploadArea } from "./UploadArea";

const POLL_MS = 2_000;

const STATUS: Record<StoredDocument["status"], string> = {
  pending: "Waiting",
  processing: "Being read",
  completed: "Ready",
  failed: "Failed",
};

export function Documents() {
  const [text, setText] = useState("");
  const filterId = useId();
  const list = useInfiniteQuery({
    queryKey: ["documents", text],
    queryFn: ({ pageParam }) => documents(text, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (previous) => previous,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isUnfinished)) === true ? POLL_MS : false,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];

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
      {list.isPending && <p className="working">Opening</p>}
      {list.isError && (
        <ErrorNote error={list.error} retry={{ label: "Try again", action: () => void list.refetch() }} />
      )}
      {list.isSuccess && items.length === 0 && (
        <p className="quiet">{text ? "No document has such a title." : "None yet. Add one, then ask about it."}</p>
      )}
      <ul className="documents">
        {items.map((document) => (
          <DocumentItem key={document.document_id} document={document} />
        ))}
      </ul>
      {list.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          More documents
        </button>
      )}
    </Page>
  );
}

function DocumentItem({ document }: { document: StoredDocument }) {
  const queryClient = useQueryClient();
  const remove = async () => {
    await deleteDocument(document.document_id);
    // Old answers may hold its words.
    liveTurns.forgetEnded();
    for (const held of ["messages", "passage", "trace"]) queryClient.removeQueries({ queryKey: [held] });
    await queryClient.invalidateQueries({ queryKey: ["usage"] });
    await queryClient.invalidateQueries({ queryKey: ["documents"] });
  };
  const facts = [
    formatBytes(document.size_bytes),
    document.status === "completed" ? counted(document.chunk_count, "passage") : "",
    readers(document.access),
    `added ${formatDate(document.created_at)}`,
  ];
  return (
    <li>
      <div className="document">
        <p className="document-title">{document.title}</p>
        <p className="quiet">{facts.filter((fact) => fact !== "").join(" · ")}</p>
        {document.error && (
          <p className="document-error">
            {document.error.message} <code>{document.error.code}</code>
          </p>
        )}
      </div>
      <span className={`status status-${document.status}`}>{STATUS[document.status]}</span>
      <ConfirmDelete
        what="this document"
        consequence={`“${document.title}” will no longer be found or cited, from this moment on.`}
        label={`Delete the document ${document.title}`}
        remove={remove}
      />
    </li>
  );
}

function isUnfinished(document: StoredDocument): boolean {
  return document.status === "pending" || document.status === "processing";
}

function readers(access: StoredDocument["access"]): string {
  if (access === "private") return "only you";
  return access === "organization" ? "" : counted(access.groups.length, "group");
}
