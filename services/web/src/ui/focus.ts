import { useEffect, useRef, type RefObject } from "react";

/** For the element that takes the focus back when what stood in its place closes, unless the focus went elsewhere. */
export function useReturnedFocus<Target extends HTMLElement>(open: boolean): RefObject<Target | null> {
  const target = useRef<Target>(null);
  const was = useRef(open);
  useEffect(() => {
    if (was.current && !open && document.activeElement === document.body) target.current?.focus();
    was.current = open;
  }, [open]);
  return target;
}

/** For when the element that had the focus has gone with what it acted on. */
export function focusPage(): void {
  document.querySelector("main")?.focus();
}
