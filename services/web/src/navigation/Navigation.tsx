import { useEffect, useState } from "react";

import type { Route } from "../route";
import { Modal } from "../ui/Modal";
import { useMedia } from "../ui/media";
import { Account } from "./Account";
import { Sessions } from "./Sessions";

/** The ways through Footnote: beside the page where there is room, else behind a button. */
export function Navigation({ route }: { route: Route }) {
  const beside = useMedia("(min-width: 52rem)");
  const [open, setOpen] = useState(false);
  const sessionId = route.page === "session" ? route.sessionId : null;

  // Having chosen a page, the reader wants to see it.
  useEffect(() => setOpen(false), [route.page, sessionId]);

  const links = (
    <>
      <nav className="navigation" aria-label="Pages">
        <PageLink href="#/" here={route.page === "ask"} label="New question" close={() => setOpen(false)} />
        <PageLink href="#/documents" here={route.page === "documents"} label="Documents" />
        <PageLink href="#/usage" here={route.page === "usage"} label="Usage" />
      </nav>
      <Sessions current={sessionId} />
      <Account />
    </>
  );

  if (beside) {
    return (
      <div className="sidebar">
        <Brand />
        {links}
      </div>
    );
  }
  return (
    <header className="topbar">
      <Brand />
      <button type="button" className="button" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        Menu
      </button>
      {open && (
        <Modal title="Menu" className="drawer" onClose={() => setOpen(false)}>
          {links}
        </Modal>
      )}
    </header>
  );
}

export function Brand() {
  return (
    <p className="brand">
      Footnote<sup aria-hidden="true">1</sup>
    </p>
  );
}

interface PageLinkProperties {
  href: string;
  here: boolean;
  label: string;
  close?: () => void;
}

function PageLink({ href, here, label, close }: PageLinkProperties) {
  return (
    <a href={href} aria-current={here ? "page" : undefined} onClick={close}>
      {label}
    </a>
  );
}
