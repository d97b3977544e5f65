import { answerEvents } from "../api/answer-stream";
import { stopAnswer } from "../api/calls";
import { asApiError, brokenOff, isAbort } from "../api/errors";
import { jsonBody, send } from "../api/http";
import { Store } from "../store";
import { advance, inProgress, newTurn, type Turn } from "./turns";

const STOPPED = { phase: "stopped", error: null } as const;

/** The turns asked on this page since it was loaded. They go on while other pages are shown. */
export class LiveTurns {
  readonly turns = new Store<Turn[]>([]);
  readonly #running = new Map<string, AbortController>();
  readonly #changed: () => void;
  #asked = 0;

  /** `changed` is called when a session appears, and when an answer ends. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /**
   * Asks a question and returns its turn's key.
   *
   * In a new session where `sessionId` is null; in place of the session's question `editOf` where that is given.
   */
  ask(question: string, sessionId: string | null, editOf: string | null = null): string {
    const body = { message: question, session_id: sessionId, edit_of: editOf, stream: true };
    return this.#start({ ...newTurn(this.#key(), question, sessionId), replaces: editOf }, "/chat", body);
  }

  /** Has a stored question answered once more. */
  answerAgain({ question, questionId, questionVersions, sessionId, messageId }: Turn): string {
    const turn = { ...newTurn(this.#key(), question, sessionId), questionId, questionVersions, replaces: questionId };
    return this.#start(turn, `/chat/messages/${messageId}/regenerate`, { stream: true });
  }

  /** Ends an answer. Closing its connection would do too, but wouldn't tell when what was said is safe. */
  async stop(key: string): Promise<void> {
    const controller = this.#running.get(key);
    const messageId = this.turns.get().find((turn) => turn.key === key)?.messageId;
    this.#change(key, (turn) => (inProgress(turn) ? { ...turn, ...STOPPED } : turn));
    if (messageId) await stopAnswer(messageId).catch(() => undefined);
    controller?.abort();
  }

  /** Ends every answer and forgets them all. */
  clear(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
    this.turns.set([]);
  }

  /** Forgets a session's turns. */
  forget(sessionId: string): void {
    for (const turn of this.turns.get()) if (turn.sessionId === sessionId) this.#running.get(turn.key)?.abort();
    this.turns.set(this.turns.get().filter((turn) => turn.sessionId !== sessionId));
  }

  /** Forgets a turn that was refused. */
  dismiss(key: string): void {
    this.turns.set(this.turns.get().filter((turn) => turn.key !== key));
  }

  /** Forgets what has ended; the server tells it again, as far as it may still be read. */
  forgetEnded(): void {
    this.turns.set(this.turns.get().filter(inProgress));
  }

  #key(): string {
    this.#asked += 1;
    return `live-${this.#asked}`;
  }

  #start(turn: Turn, path: string, body: object): string {
    const controller = new AbortController();
    this.#running.set(turn.key, controller);
    // What was refused in the same place is tried again by this.
    const kept = this.turns.get().filter((other) => !(isRefused(other) && other.replaces === turn.replaces));
    this.turns.set([...(turn.replaces === null ? this.turns.get() : kept), turn]);
    void this.#run(turn, path, body, controller.signal);
    return turn.key;
  }

  async #run(turn: Turn, path: string, body: object, signal: AbortSignal): Promise<void> {
    try {
      const response = await send(path, { ...jsonBody(body), signal });
      const requestId = response.headers.get("X-Request-ID") ?? "";
      if (!response.body) throw brokenOff(requestId);
      for await (const event of answerEvents(response.body, requestId)) {
        this.#change(turn.key, (current) => (current.phase === "stopped" ? current : advance(current, event)));
        if (event.type === "session") this.#changed();
      }
    } catch (thrown) {
      const end = isAbort(thrown) ? STOPPED : ({ phase: "failed", error: asApiError(thrown) } as const);
      this.#change(turn.key, (current) => (inProgress(current) ? { ...current, ...end } : current));
    } finally {
      this.#running.delete(turn.key);
      this.#changed();
    }
  }

  #change(key: string, change: (turn: Turn) => Turn): void {
    this.turns.set(this.turns.get().map((turn) => (turn.key === key ? ended(change(turn)) : turn)));
  }
}

function isRefused(turn: Turn): boolean {
  return turn.phase === "failed" && turn.messageId === null;
}

function ended(turn: Turn): Turn {
  return inProgress(turn) || turn.endedAt !== null ? turn : { ...turn, endedAt: Date.now() };
}
