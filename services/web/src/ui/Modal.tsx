import * as Dialog from "@radix-ui/react-dialog";
import type { ReactNode } from "react";

interface Properties {
  title: string;
  className: string;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog over the page: focus stays inside, Escape and a click outside close it. */
export function Modal({ title, className, onClose, children }: Properties) {
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        {/* Radix's own overlay locks scrolling with an inline style sheet, which the page's policy forbids. */}
        <div className="backdrop" />
        <Dialog.Content className={className} aria-describedby={undefined}>
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
