import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { isAdmin } from "../account/roles";
import { me } from "../api/calls";
import { hashOf, type Route } from "../route";
import { Modal } from "../ui/Modal";
import { useMedia } from "../ui/media";
import { Account } from "./Account";
import { Sessions } from "./Sessions";
import { UndoDelete } from "./UndoDelete";

/** The ways through Footnote: beside the page where there is room, else behind a button. */
export function Navigation({ route }: { route: Route }) {
  const beside = useMedia("(min-width: 52rem)");
  const here = hashOf(route);
  // The menu belongs to the page it was opened on: having chosen another, the reader wants to see that.
  const [openedOn, setOpenedOn] = useState<string | null>(null);
  const close = () => setOpenedOn(null);
  const user = useQuery({ queryKey: ["me"], queryFn: me, staleTime: Infinity });
  const admin = user.data !== undefined && isAdmin(user.data);

  const links = (
    <>
      <nav className="navigation" aria-label="Pages">
        <PageLink to={{ page: "ask" }} here={here} label="New question" close={close} />
        <PageLink to={{ page: "documents" }} here={here} label="Documents" close={close} />
        <PageLink to={{ page: "usage" }} here={here} label="Usage" close={close} />
        <PageLink to={{ page: "settings" }} here={here} label="Settings" close={close} />
      </nav>
      {admin && (
        <nav className="navigation" aria-labelledby="admin-pages">
          <h2 id="admin-pages">For admins</h2>
          <PageLink to={{ page: "feedback" }} here={here} label="Feedback" close={close} />
          <PageLink to={{ page: "reviews" }} here={here} label="Reviews" close={close} />
          <PageLink to={{ page: "security-events" }} here={here} label="Security events" close={close} />
          <PageLink to={{ page: "answer-cache" }} here={here} label="Answer cache" close={close} />
        </nav>
      )}
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
      {/* The menu shows it too, over this one. */}
      {openedOn !== here && <UndoDelete />}
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
