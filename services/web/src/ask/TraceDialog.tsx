import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { trace } from "../api/calls";
import type { Source } from "../api/contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { Modal } from "../ui/Modal";
import { TraceSteps } from "./TraceSteps";

interface Properties {
  messageId: string;
  sources: Source[];
}

/** How an answer was made, step by step, behind a button. */
export function TraceDialog({ messageId, sources }: Properties) {
  const [open, setOpen] = useState(false);
  const steps = useQuery({
    queryKey: ["trace", messageId],
    queryFn: () => trace(messageId),
    staleTime: Infinity,
    enabled: open,
  });
  return (
    <Modal
      open={open}
      setOpen={setOpen}
      trigger="How was this answered?"
      triggerClass="link"
      title="How this was answered"
      className="dialog dialog-wide"
    >
      {steps.isPending && <p className="working">Opening</p>}
      {steps.isError && (
        <ErrorNote error={steps.error} retry={{ label: "Try again", action: () => void steps.refetch() }} />
      )}
      {steps.data && <TraceSteps trace={steps.data} sources={sources} />}
    </Modal>
  );
}
