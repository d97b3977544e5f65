import { useQuery } from "@tanstack/react-query";

import { trace } from "../api/calls";
import { ErrorNote } from "../ui/ErrorNote";
import { Modal } from "../ui/Modal";
import { TraceSteps } from "./TraceSteps";

interface Properties {
  messageId: string;
  onClose: () => void;
}

/** How an answer was made, step by step. */
export function TraceDialog({ messageId, onClose }: Properties) {
  const steps = useQuery({ queryKey: ["trace", messageId], queryFn: () => trace(messageId), staleTime: Infinity });
  return (
    <Modal title="How this was answered" className="dialog dialog-wide" onClose={onClose}>
      {steps.isPending && <p className="working">Opening</p>}
      {steps.isError && (
        <ErrorNote error={steps.error} retry={{ label: "Try again", action: () => void steps.refetch() }} />
      )}
      {steps.data && <TraceSteps trace={steps.data} />}
    </Modal>
  );
}
