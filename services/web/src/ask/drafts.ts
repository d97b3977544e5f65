/** What is written and not asked yet. `null` stands for the conversation that isn't begun. */
export class Drafts {
  readonly #texts = new Map<string | null, string>();

  of(sessionId: string | null): string {
    return this.#texts.get(sessionId) ?? "";
  }

  keep(sessionId: string | null, text: string): void {
    if (text === "") this.#texts.delete(sessionId);
    else this.#texts.set(sessionId, text);
  }

  /** What was written after the first question belongs to the conversation that it has begun. */
  begun(sessionId: string): void {
    if (this.of(sessionId) === "") this.keep(sessionId, this.of(null));
    this.forget(null);
  }

  forget(sessionId: string | null): void {
    this.#texts.delete(sessionId);
  }

  clear(): void {
    this.#texts.clear();
  }
}
