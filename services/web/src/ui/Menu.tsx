import { useId, useRef, useState, type KeyboardEvent, type ToggleEvent } from "react";

import { arrowTarget } from "./arrows";

const GAP_PX = 4;

export interface MenuItem {
  label: string;
  action: () => void;
}

/**
 * A button and the menu it opens. Arrow keys go through it, Escape and a click elsewhere close it.
 *
 * The browser's own popover: it stands above everything and gives the focus back by itself.
 */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  const id = useId();
  const trigger = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);

  const toggled = (event: ToggleEvent<HTMLDivElement>) => {
    setOpen(event.newState === "open");
    if (event.newState !== "open" || !panel.current || !trigger.current) return;
    place(panel.current, trigger.current.getBoundingClientRect());
    panel.current.querySelector("button")?.focus();
  };
  const keyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.key === "Tab") panel.current?.hidePopover();
    const target = arrowTarget(event, [...event.currentTarget.querySelectorAll("button")]);
    if (!target) return;
    event.preventDefault();
    target.focus();
  };
  const choose = (action: () => void) => {
    panel.current?.hidePopover();
    action();
  };

  return (
    <>
      <button
        ref={trigger}
        type="button"
        className="button button-plain menu-trigger"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        popoverTarget={id}
      >
        <span aria-hidden="true">⋯</span>
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        className="menu"
        onToggle={toggled}
        onKeyDown={keyDown}
      >
        {items.map((item) => (
          <button key={item.label} type="button" role="menuitem" tabIndex={-1} onClick={() => choose(item.action)}>
            {item.label}
          </button>
        ))}
      </div>
    </>
  );
}

/** Below the button where there is room, else above it; inside the window. */
function place(panel: HTMLElement, at: DOMRect): void {
  const { offsetWidth, offsetHeight, style } = panel;
  const below = at.bottom + GAP_PX + offsetHeight <= innerHeight;
  style.top = `${Math.max(GAP_PX, below ? at.bottom + GAP_PX : at.top - GAP_PX - offsetHeight)}px`;
  style.left = `${Math.max(GAP_PX, Math.min(at.left, innerWidth - offsetWidth - GAP_PX))}px`;
}
