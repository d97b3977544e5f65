import { useEffect, useRef, type ReactNode } from "react";

/** A page under its heading. It takes the focus when it appears, so that keyboard and screen reader begin there. */
export function Page({ title, children }: { title: string; children: ReactNode }) {
  const page = useRef<HTMLElement>(null);
  useEffect(() => page.current?.focus(), []);
  return (
    <main className="page" ref={page} tabIndex={-1}>
      <h1>{title}</h1>
      {children}
    </main>
  );
}
