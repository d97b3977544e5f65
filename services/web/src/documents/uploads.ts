import { asApiError, isAbort, type ApiError } from "../api/errors";
import { uploadFile } from "../api/upload";
import { Store } from "../store";

export interface Upload {
  key: string;
  name: string;
  size: number;
  phase: "waiting" | "sending" | "accepted" | "failed";
  /** How much has been sent, 0 to 1. */
  sent: number;
  error: ApiError | null;
}

interface Waiting {
  key: string;
  file: File;
  access: string;
}

/** The uploads of this page, sent one after the other. They go on while other pages are shown. */
export class Uploads {
  readonly list = new Store<Upload[]>([]);
  readonly #waiting: Waiting[] = [];
  readonly #accepted: () => void;
  #running: { key: string; controller: AbortController } | null = null;
  #added = 0;

  /** `accepted` is called after each file that the server has taken. */
  constructor(accepted: () => void) {
    this.#accepted = accepted;
  }

  add(files: Iterable<File>, access: string): void {
    for (const file of files) {
      this.#added += 1;
      const key = `upload-${this.#added}`;
      this.#waiting.push({ key, file, access });
      const upload: Upload = { key, name: file.name, size: file.size, phase: "waiting", sent: 0, error: null };
      this.list.set([...this.list.get(), upload]);
    }
    void this.#next();
  }

  /** Takes an upload off the list, ending it where it hasn't ended. */
  remove(key: string): void {
    const index = this.#waiting.findIndex((waiting) => waiting.key === key);
    if (index >= 0) this.#waiting.splice(index, 1);
    if (this.#running?.key === key) this.#running.controller.abort();
    this.list.set(this.list.get().filter((upload) => upload.key !== key));
  }

  clear(): void {
    for (const upload of this.list.get()) this.remove(upload.key);
  }

  async #next(): Promise<void> {
    if (this.#running) return;
    const next = this.#waiting.shift();
    if (!next) return;
    const { key, file, access } = next;
    const controller = new AbortController();
    this.#running = { key, controller };
    this.#change(key, { phase: "sending" });
    try {
      await uploadFile(file, access, controller.signal, (sent) => this.#change(key, { sent }));
      this.#change(key, { phase: "accepted", sent: 1 });
      this.#accepted();
    } catch (thrown) {
      if (!isAbort(thrown)) this.#change(key, { phase: "failed", error: asApiError(thrown) });
    } finally {
      this.#running = null;
      void this.#next();
    }
  }

  #change(key: string, change: Partial<Upload>): void {
    this.list.set(this.list.get().map((upload) => (upload.key === key ? { ...upload, ...change } : upload)));
  }
}
