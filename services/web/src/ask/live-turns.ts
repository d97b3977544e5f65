import { answerEvents } from "../api/answer-stream";
import { asApiError, brokenOff, isAbort } from "../api/errors";
import { jsonBody, send } from "../api/http";
import { Store } from "../store";
import { advance, inProgress, newTurn, type Turn } from "./turns";

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

  /** Asks a question, in a new session where `sessionId` is null, and returns its turn's key. */
  ask(question: string, sessionId: string | null): string {
    this.#asked += 1;
    const turn = newTurn(`live-${this.#asked}`, question, sessionId);
    const controller = new AbortController();
    this.#running.set(turn.key, controller);
    this.turns.set([...this.turns.get(), turn]);
    void this.#run(turn, controller.signal);
    return turn.key;
  }

  /** Ends an answer; closing its connection stops its generation. */
  stop(key: string): void {
    this.#running.get(key)?.abort();
  }

  /** Ends every answer and forgets them all. */
  clear(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
    this.turns.set([]);
  }

  /** Forgets a session's turns. */
  forget(sessionId: string): void {
    for (const turn of this.turns.get()) if (turn.sessionId === sessionId) this.stop(turn.key);
    this.turns.set(this.turns.get().filter((turn) => turn.sessionId !== sessionId));
  }

  /** Forgets what has ended; the server tells it again, as far as it may still be read. */
  forgetEnded(): void {
    this.turns.set(this.turns.get().filter(inProgress));
  }

  async #run(turn: Turn, signal: AbortSignal): Promise<void> {
    try {
      const body = { message: turn.question, session_id: turn.sessionId, stream: true };
      const response = await send("/chat", { ...jsonBody(body), signal });
      const requestId = response.headers.get("X-Request-ID") ?? "";
      if (!response.body) throw brokenOff(requestId);
      for await (const event of answerEvents(response.body, requestId)) {
        this.#change(turn.key, (current) => advance(current, event));
        if (event.type === "session") this.#changed();
      }
    } catch (thrown) {
      if (isAbort(thrown)) this.#change(turn.key, (current) => ({ ...current, phase: "stopped" }));
      else this.#change(turn.key, (current) => ({ ...current, phase: "failed", error: asApiError(thrown) }));
    } finally {
      this.#running.delete(turn.key);
      this.#changed();
    }
  }

  #change(key: string, change: (turn: Turn) => Turn): void {
    this.turns.set(this.turns.get().map((turn) => (turn.key === key ? change(turn) : turn)));
  }
}
