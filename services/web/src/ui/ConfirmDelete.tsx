import * as AlertDialog from "@radix-ui/react-alert-dialog";
import { useRef, useState } from "react";

import { ErrorNote } from "./ErrorNote";
import { focusPage } from "./focus";

interface Properties {
  /** What is deleted, as the dialog's question names it. */
  what: string;
  consequence: string;
  label: string;
  /** What the button shows, where "Delete" beside what is deleted doesn't do. */
  trigger?: string;
  remove: () => Promise<void>;
}

/** A delete button that asks first, stays open while it works, and shows what went wrong. */
export function ConfirmDelete({ what, consequence, label, trigger = "Delete", remove }: Properties) {
  const [open, setOpen] = useState(false);
  const [working, setWorking] = useState(false);
  const deleted = useRef(false);
  const [error, setError] = useState<unknown>(null);

  const confirm = async () => {
    setWorking(true);
    setError(null);
    try {
      await remove();
      deleted.current = true;
      setOpen(false);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setWorking(false);
    }
  };

  const change = (opened: boolean) => {
    setError(null);
    setOpen(opened);
  };

  const returnFocus = (event: Event) => {
    if (!deleted.current) return;
    // The button that opened this has gone with what it deleted.
    event.preventDefault();
    focusPage();
  };

  return (
    <AlertDialog.Root open={open} onOpenChange={change}>
      <AlertDialog.Trigger className="button button-plain" aria-label={label}>
        {trigger}
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <div className="backdrop" />
        <AlertDialog.Content className="dialog" onCloseAutoFocus={returnFocus}>
          <AlertDialog.Title>Delete {what}?</AlertDialog.Title>
          <AlertDialog.Description>{consequence}</AlertDialog.Description>
          {error !== null && <ErrorNote error={error} />}
          <div className="dialog-actions">
            <AlertDialog.Cancel className="button">Keep</AlertDialog.Cancel>
            <button type="button" className="button button-danger" disabled={working} onClick={() => void confirm()}>
              {working ? "Deleting…" : "Delete"}
            </button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
