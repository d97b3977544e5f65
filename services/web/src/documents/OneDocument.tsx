import { useQuery, useQueryClient } from "@tanstack/react-query";

import { storedDocument } from "../api/calls";
import { go, hashOf } from "../route";
import { ErrorNote } from "../ui/ErrorNote";
import { Page } from "../ui/Page";
import { DocumentItem } from "./DocumentItem";

/** A document that another page links to. */
export function OneDocument({ documentId }: { documentId: string }) {
  const queries = useQueryClient();
  const key = ["document", documentId];
  const found = useQuery({ queryKey: key, queryFn: () => storedDocument(documentId) });
  const deleted = () => {
    queries.removeQueries({ queryKey: key });
    void go({ page: "documents" });
  };
  return (
    <Page title="Document">
      {found.isPending && <p className="working">Opening</p>}
      {found.isError && (
        <ErrorNote error={found.error} retry={{ label: "Try again", action: () => void found.refetch() }} />
      )}
      {found.data && (
        <ul className="documents">
          <DocumentItem document={found.data} deleted={deleted} />
        </ul>
      )}
      <a href={hashOf({ page: "documents" })}>All documents</a>
    </Page>
  );
}
