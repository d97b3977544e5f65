import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";

import { AdminPage } from "../account/AdminPage";
import { securityEvents } from "../api/admin-calls";
import type { SecurityEvent, SecurityEventKind } from "../api/admin-contracts";
import { me } from "../api/calls";
import { TraceDialog } from "../ask/TraceDialog";
import { hashOf } from "../route";
import { counted } from "../ui/format";
import { usePaged } from "../ui/paged";
import { PagedList } from "../ui/PagedList";
import { detailsOf, KINDS, whenOf } from "./event";
import { PassageDialog } from "./PassageDialog";

/** What was attempted on the organisation's answers. */
export function SecurityEvents() {
  return (
    <AdminPage title="Security events">
      <Events />
    </AdminPage>
  );
}

function Events() {
  const [kind, setKind] = useState<SecurityEventKind | "">("");
  const filterId = useId();
  const list = usePaged(["security-events", kind], (cursor) => securityEvents(kind, cursor));
  const kinds = Object.entries(KINDS) as [SecurityEventKind, (typeof KINDS)[SecurityEventKind]][];
  return (
    <>
      <div className="filter">
        <label htmlFor={filterId}>Show</label>
        <select
          id={filterId}
          value={kind}
          // The select has the kinds alone, and none.
          onChange={(event) => setKind(event.target.value as SecurityEventKind | "")}
        >
          <option value="">All kinds</option>
          {kinds.map(([value, { label }]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <p className="quiet">The latest first. An event never holds what anybody wrote.</p>
      </div>
      <PagedList
        list={list}
        empty={kind === "" ? "Nothing has happened." : "Nothing of this kind has happened."}
        more="Older events"
      >
        <ul className="security-events" aria-label="Events">
          {list.items.map((event) => (
            <EventItem key={event.id} event={event} />
          ))}
        </ul>
      </PagedList>
    </>
  );
}

function EventItem({ event }: { event: SecurityEvent }) {
  const { kind, document_id, chunk_id, message_id, user_id, times } = event;
  const user = useQuery({ queryKey: ["me"], queryFn: me, staleTime: Infinity });
  const mine = user.data?.id === user_id;
  const { label, about } = KINDS[kind];
  const met = times > 1 ? `met ${counted(times, "time")}` : "";
  return (
    <li>
      <h2>{label}</h2>
      <p>{about}</p>
      <p className="quiet">{[...detailsOf(event), met].filter((fact) => fact !== "").join(" · ")}</p>
      <p className="quiet">
        {whenOf(event)} · {times > 1 ? "last in" : "in"} a question of{" "}
        {mine ? "yours" : <>the member <code>{user_id}</code></>}
      </p>
      <div className="turn-actions">
        {document_id !== null && chunk_id !== null && <PassageDialog documentId={document_id} chunkId={chunk_id} />}
        {document_id !== null && <a href={hashOf({ page: "document", documentId: document_id })}>The document</a>}
        {mine && <TraceDialog messageId={message_id} sources={[]} />}
      </div>
    </li>
  );
}
