import type { Location, Source } from "../api/contracts";
import type { OpenedPassage } from "./Conversation";

interface Properties {
  sources: Source[];
  opened: OpenedPassage | null;
  open: (source: Source, opener: HTMLElement) => void;
}

/** Sources as footnotes: number, document and place. */
export function SourceList({ sources, opened, open }: Properties) {
  if (sources.length === 0) return null;
  return (
    <ol className="footnotes">
      {sources.map((source) => (
        <li key={source.n} value={source.n}>
          <button
            type="button"
            aria-haspopup="dialog"
            aria-expanded={opened?.source.n === source.n}
            onClick={(event) => open(source, event.currentTarget)}
          >
            <span className="footnote-title">{source.title}</span>
            <Place title={source.title} location={source.location} />
          </button>
        </li>
      ))}
    </ol>
  );
}

/** Where in its document a passage stands; the document's own title isn't repeated. */
export function Place({ title, location }: { title: string; location: Location }) {
  const [first, ...rest] = location.heading_path;
  const headings = first === title ? rest : location.heading_path;
  const page = location.page ? `page ${location.page}` : "";
  const place = [headings.join(" › "), page].filter((part) => part !== "").join(", ");
  return place === "" ? null : <span className="place">{place}</span>;
}
