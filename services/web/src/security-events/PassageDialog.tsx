import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { passage } from "../api/calls";
import { Place } from "../ask/SourceList";
import { ErrorNote } from "../ui/ErrorNote";
import { Modal } from "../ui/Modal";

interface Properties {
  documentId: string;
  chunkId: string;
}

/** The passage that an event is about, in its document, behind a button. */
export function PassageDialog({ documentId, chunkId }: Properties) {
  const [open, setOpen] = useState(false);
  const found = useQuery({
    queryKey: ["passage", documentId, chunkId],
    queryFn: () => passage(documentId, chunkId),
    enabled: open,
  });
  return (
    <Modal
      open={open}
      setOpen={setOpen}
      trigger="Show the passage"
      triggerClass="link"
      title={found.data?.title ?? "The passage"}
      className="dialog dialog-wide"
    >
      {found.isPending && <p className="working">Opening</p>}
      {found.isError && (
        <ErrorNote error={found.error} retry={{ label: "Try again", action: () => void found.refetch() }} />
      )}
      {found.data && (
        <>
          <Place title={found.data.title} location={found.data.location} />
          <div className="passage-text">
            {found.data.before && <p className="surroundings">{found.data.before.trim()}</p>}
            <blockquote>{found.data.content}</blockquote>
            {found.data.after && <p className="surroundings">{found.data.after.trim()}</p>}
          </div>
        </>
      )}
    </Modal>
  );
}
