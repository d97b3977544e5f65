import * as Dialog from "@radix-ui/react-dialog";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { passage } from "../api/calls";
import type { TextSpan } from "../api/contracts";
import { asApiError } from "../api/errors";
import { ErrorNote } from "../ui/ErrorNote";
import { useMedia } from "../ui/media";
import type { OpenedPassage } from "./Conversation";
import { markedPieces } from "./offsets";
import { Place } from "./SourceList";

const NOT_FOUND = 404;

interface Properties {
  opened: OpenedPassage;
  onClose: () => void;
}

/** The passage behind a citation: beside the answer where there is room, else over it. */
export function PassagePanel({ opened, onClose }: Properties) {
  const beside = useMedia("(min-width: 76rem)");
  const { turnId, source, citedAt, opener } = opened;
  const keepOpen = (event: Event) => {
    if (beside) event.preventDefault();
  };
  return (
    <Dialog.Root open modal={!beside} onOpenChange={onClose}>
      {!beside && <div className="backdrop" />}
      <Dialog.Content
        className="passage"
        aria-describedby={undefined}
        onInteractOutside={keepOpen}
        onOpenAutoFocus={(event) => event.preventDefault()}
        onCloseAutoFocus={(event) => {
          event.preventDefault();
          opener.focus();
        }}
      >
        <header className="dialog-header">
          {/* A new title for each citation takes the focus, also where the panel is there already. */}
          <Dialog.Title key={`${turnId} ${source.n} ${citedAt}`} ref={takeFocus} tabIndex={-1}>
            <span className="quiet">Source {source.n}</span> {source.title}
          </Dialog.Title>
          <Dialog.Close className="button button-plain">Close</Dialog.Close>
        </header>
        <Place title={source.title} location={source.location} />
        <PassageText key={source.chunk_id} opened={opened} />
      </Dialog.Content>
    </Dialog.Root>
  );
}

function takeFocus(element: HTMLElement | null): void {
  element?.focus();
}

function PassageText({ opened }: { opened: OpenedPassage }) {
  const { source, spans, citedAt } = opened;
  const [whole, setWhole] = useState(false);
  const around = useQuery({
    queryKey: ["passage", source.document_id, source.chunk_id],
    queryFn: () => passage(source.document_id, source.chunk_id),
    enabled: whole,
  });
  const gone = around.isError && asApiError(around.error).status === NOT_FOUND;
  return (
    <>
      <div className="passage-text">
        {around.data?.before && <p className="surroundings">{around.data.before.trim()}</p>}
        <Excerpt key={citedAt} text={source.excerpt} spans={spans} />
        {around.data?.after && <p className="surroundings">{around.data.after.trim()}</p>}
      </div>
      {gone ? (
        <p className="note" role="alert">
          This passage can’t be opened any more. Its document was changed or deleted, or you may not read it.
        </p>
      ) : (
        around.isError && <ErrorNote error={around.error} />
      )}
      {!around.data && !gone && (
        <button type="button" className="button" disabled={around.isFetching} onClick={() => (whole ? void around.refetch() : setWhole(true))}>
          {around.isFetching ? "Opening…" : "Show it in its document"}
        </button>
      )}
      {source.external_id && (
        <p className="quiet">
          Known to its source as <code>{source.external_id}</code>
        </p>
      )}
    </>
  );
}

function Excerpt({ text, spans }: { text: string; spans: TextSpan[] }) {
  const excerpt = useRef<HTMLQuoteElement>(null);
  useEffect(() => {
    excerpt.current?.querySelector("mark")?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <blockquote ref={excerpt}>
      {markedPieces(text, spans).map((piece) =>
        piece.marked ? <mark key={piece.at}>{piece.text}</mark> : <span key={piece.at}>{piece.text}</span>,
      )}
    </blockquote>
  );
}
