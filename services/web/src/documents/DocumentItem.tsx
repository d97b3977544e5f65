import { useQueryClient } from "@tanstack/react-query";

import { deleteDocument } from "../api/calls";
import type { StoredDocument } from "../api/contracts";
import { liveTurns } from "../state";
import { ConfirmDelete } from "../ui/ConfirmDelete";
import { counted, formatBytes, formatDate, formatTime } from "../ui/format";
import { readers } from "./readers";

const STATUS: Record<StoredDocument["status"], string> = {
  pending: "Waiting",
  processing: "Being read",
  completed: "Ready",
  failed: "Failed",
};

interface Properties {
  document: StoredDocument;
  /** Told when the document has been deleted. */
  deleted?: () => void;
}

/** A document with its state, what is known of it, and the button that deletes it. */
export function DocumentItem({ document, deleted }: Properties) {
  const queryClient = useQueryClient();
  const remove = async () => {
    await deleteDocument(document.document_id);
    // Old answers may hold its words.
    liveTurns.forgetEnded();
    for (const held of ["messages", "passage", "trace"]) queryClient.removeQueries({ queryKey: [held] });
    await queryClient.invalidateQueries({ queryKey: ["usage"] });
    await queryClient.invalidateQueries({ queryKey: ["documents"] });
    deleted?.();
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
        {document.waiting && (
          <p className="quiet">
            {document.waiting.message}
            {document.waiting.until && ` It is tried again at ${formatTime(document.waiting.until)}.`}
          </p>
        )}
        {document.status === "completed" &&
          document.warnings.map((warning) => (
            <p key={warning} className="quiet">
              Read in part: {warning}
            </p>
          ))}
      </div>
      <span className={`status status-${document.status}`}>{STATUS[document.waiting ? "pending" : document.status]}</span>
      <ConfirmDelete
        what="this document"
        consequence={`“${document.title}” will no longer be found or cited, from this moment on.`}
        label={`Delete the document ${document.title}`}
        remove={remove}
      />
    </li>
  );
}
