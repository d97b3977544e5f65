import * as Dialog from "@radix-ui/react-dialog";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { passage } from "../api/calls";
import type { Source, TextSpan } from "../api/contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { useMedia } from "../ui/media";
import type { OpenedPassage } from "./Conversation";
import { markedPieces } from "./offsets";
import { Place } from "./SourceList";

interface Properties {
  opened: OpenedPassage;
  onClose: () => void;
}

/** The passage behind a citation: beside the answer where there is room, else over it. */
export function PassagePanel({ opened, onClose }: Properties) {
  const beside = useMedia("(min-width: 76rem)");
  const { source, spans } = opened;
  const keepOpen = (event: Event) => {
    if (beside) event.preventDefault();
  };
  return (
    <Dialog.Root open modal={!beside} onOpenChange={onClose}>
      {!beside && <div className="backdrop" />}
      <Dialog.Content className="passage" aria-describedby={undefined} onInteractOutside={keepOpen}>
        <header className="dialog-header">
          <Dialog.Title>
            <span className="quiet">Source {source.n}</span> {source.title}
          </Dialog.Title>
          <Dialog.Close className="button button-plain">Close</Dialog.Close>
        </header>
        <Place title={source.title} location={source.location} />
        <PassageText key={source.chunk_id} source={source} spans={spans} />
      </Dialog.Content>
    </Dialog.Root>
  );
}

function PassageText({ source, spans }: { source: Source; spans: TextSpan[] }) {
  const [whole, setWhole] = useState(false);
  const around = useQuery({
    queryKey: ["passage", source.document_id, source.chunk_id],
    queryFn: () => passage(source.document_id, source.chunk_id),
    enabled: whole,
  });
  return (
    <>
      <div className="passage-text">
        {around.data && <p className="surroundings">{around.data.before}</p>}
        <Excerpt text={source.excerpt} spans={spans} />
        {around.data && <p className="surroundings">{around.data.after}</p>}
      </div>
      {around.isError && <ErrorNote error={around.error} />}
      {!around.data && (
        <button type="button" className="button" disabled={around.isFetching} onClick={() => setWhole(true)}>
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
  }, [spans]);
  let at = 0;
  return (
    <blockquote ref={excerpt}>
      {markedPieces(text, spans).map((piece) => {
        const key = at;
        at += piece.text.length;
        return piece.marked ? <mark key={key}>{piece.text}</mark> : <span key={key}>{piece.text}</span>;
      })}
    </blockquote>
  );
}
