import { useState } from "react";

import { hashOf, type Route } from "../route";
import { Modal } from "../ui/Modal";
import { useMedia } from "../ui/media";
import { Account } from "./Account";
import { Sessions } from "./Sessions";

/** The ways through Footnote: beside the page where there is room, else behind a button. */
export function Navigation({ route }: { route: Route }) {
  const beside = useMedia("(min-width: 52rem)");
  const here = hashOf(route);
  // The menu belongs to the page it was opened on: having chosen another, the reader wants to see that.
  const [openedOn, setOpenedOn] = useState<string | null>(null);
  const close = () => setOpenedOn(null);

  const links = (
    <>
      <nav className="navigation" aria-label="Pages">
        <PageLink to={{ page: "ask" }} here={here} label="New question" close={close} />
        <PageLink to={{ page: "documents" }} here={here} label="Documents" close={close} />
        <PageLink to={{ page: "usage" }} here={here} label="Usage" close={close} />
      </nav>
      <Sessions current={route.page === "session" ? route.sessionId : null} />
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
      <Modal
        open={openedOn === here}
        setOpen={(open) => setOpenedOn(open ? here : null)}
        trigger="Menu"
        triggerClass="button"
        title="Menu"
        className="drawer"
      >
        {links}
      </Modal>
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
  to: Route;
  /** The page shown now. */
  here: string;
  label: string;
  close: () => void;
}

function PageLink({ to, here, label, close }: PageLinkProperties) {
  const href = hashOf(to);
  return (
    <a href={href} aria-current={href === here ? "page" : undefined} onClick={close}>
      {label}
    </a>
  );
}
