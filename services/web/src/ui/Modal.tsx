import * as Dialog from "@radix-ui/react-dialog";
import type { ReactNode } from "react";

interface Properties {
  open: boolean;
  setOpen: (open: boolean) => void;
  /** The button that opens the dialog. */
  trigger: string;
  triggerClass: string;
  title: string;
  className: string;
  children: ReactNode;
}

/** A button and the dialog it opens over the page: focus stays inside, Escape and a click outside close it. */
export function Modal({ open, setOpen, trigger, triggerClass, title, className, children }: Properties) {
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className={triggerClass}>{trigger}</Dialog.Trigger>
      <Dialog.Portal>
        {/* Radix's own overlay locks scrolling with an inline style sheet, which a strict policy forbids. */}
        <div className="backdrop" />
        <Dialog.Content className={className} aria-describedby={undefined} onEscapeKeyDown={closeMenuFirst}>
          <header className="dialog-header">
            <Dialog.Title>{title}</Dialog.Title>
            <Dialog.Close className="button button-plain">Close</Dialog.Close>
          </header>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** Escape closes a menu that is open in the dialog, and not the dialog under it. */
function closeMenuFirst(event: KeyboardEvent): void {
  const menu = document.querySelector<HTMLElement>(":popover-open");
  if (!menu) return;
  event.preventDefault();
  menu.hidePopover();
}
