import { useId, useRef, useState, type DragEvent } from "react";

import { uploads } from "../state";
import { useStore } from "../store";
import { ErrorNote } from "../ui/ErrorNote";
import { formatBytes } from "../ui/format";
import type { Upload } from "./uploads";

/** Where files are chosen or dropped, and how far each has come. */
export function UploadArea() {
  const list = useStore(uploads.list);
  const input = useRef<HTMLInputElement>(null);
  const [access, setAccess] = useState("organization");
  const [over, setOver] = useState(false);
  const accessId = useId();

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    uploads.add(event.dataTransfer.files, access);
  };
  const dragOver = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const choose = (files: FileList | null) => {
    if (files) uploads.add(files, access);
    // The same file, chosen again after it failed, must count as a change.
    if (input.current) input.current.value = "";
  };

  return (
    // Dropping is only another way to the button, so the section needs no role of its own.
    <section
      className={over ? "upload upload-over" : "upload"}
      aria-label="Add documents"
      onDragOver={dragOver}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div className="upload-choices">
        <button type="button" className="button button-strong" onClick={() => input.current?.click()}>
          Add documents
        </button>
        <input
          ref={input}
          className="unseen"
          type="file"
          multiple
          tabIndex={-1}
          aria-label="Files to add"
          onChange={(event) => choose(event.target.files)}
        />
        <label htmlFor={accessId}>Who may read them</label>
        <select id={accessId} value={access} onChange={(event) => setAccess(event.target.value)}>
          <option value="organization">Everyone in the organisation</option>
          <option value="private">Only me</option>
        </select>
      </div>
      <p className="quiet">
        Or drop them here. PDF, Word, PowerPoint, Excel, HTML, Markdown, e-mail, pictures, ZIP and more, up to 256 MB each.
      </p>
      {list.length > 0 && (
        <ul className="uploads" aria-label="Uploads">
          {list.map((upload) => (
            <UploadItem key={upload.key} upload={upload} />
          ))}
        </ul>
      )}
    </section>
  );
}

function UploadItem({ upload }: { upload: Upload }) {
  const ended = upload.phase === "accepted" || upload.phase === "failed";
  return (
    <li>
      <p>
        {upload.name} <span className="quiet">{formatBytes(upload.size)}</span>
      </p>
      {upload.phase === "waiting" && <p className="quiet">Waiting for its turn</p>}
      {upload.phase === "sending" && (
        <progress value={upload.sent} aria-label={`Sending ${upload.name}`}>
          {Math.round(upload.sent * 100)} %
        </progress>
      )}
      {upload.phase === "accepted" && <output>Received. It is listed below while it is being read.</output>}
      {upload.error && <ErrorNote error={upload.error} />}
      <button
        type="button"
        className="button button-plain"
        aria-label={`${ended ? "Dismiss" : "Cancel"} ${upload.name}`}
        onClick={() => uploads.remove(upload.key)}
      >
        {ended ? "Dismiss" : "Cancel"}
      </button>
    </li>
  );
}
