import type { Command, CommandResult, MediaTime } from '@loalang/shared';
import type { Logger } from 'pino';
import type { MonotonicClock } from '../clock/index.ts';
import { pause } from '../link/backoff.ts';
import type { Heard } from '../playout/index.ts';
import { encodeRecording, placeInSpan } from './recording.ts';

/** Recordings being made or sent at a time; more are answered as failed. */
const MAX_RECORDINGS = 4;
/** A span may lie this far ahead: then it is waited for. */
const MAX_WAIT_MS = 15_000;
/** The sink renders ahead of what is heard; what is heard at the end of the span has been rendered by then. */
const MARGIN_MS = 50;

export interface ListenDeskOptions {
  readonly clock: MonotonicClock;
  readonly log: Logger;
  readonly mediaNow: () => MediaTime | null;
  readonly recent: (from: MediaTime | null, durationMs: number) => Promise<Heard | null>;
  readonly put: (commandId: string, audio: Uint8Array, signal: AbortSignal) => Promise<void>;
  readonly answer: (id: string, outcome: CommandResult['outcome'], detail?: string) => void;
}

export interface ListenCommand {
  readonly id: string;
  readonly act: Extract<Command['act'], { kind: 'listen' }>;
}

/** Sends what sounded to the platform, when a command asks for it. */
export class ListenDesk {
  readonly #options: ListenDeskOptions;
  readonly #ended = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: ListenDeskOptions) {
    this.#options = options;
  }

  take(command: ListenCommand): void {
    if (this.#running.size >= MAX_RECORDINGS) {
      this.#options.answer(command.id, 'failed', 'too many recordings at a time');
      return;
    }
    const work = this.#record(command).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#running);
  }

  async #record({ id, act }: ListenCommand): Promise<void> {
    try {
      await this.#waitForSpan(act.from, act.durationMs);
      const heard = await this.#options.recent(act.from, act.durationMs);
      const from = act.from ?? heard?.from ?? null;
      if (from === null) throw new Error('nothing was rendered yet');
      const { samples } = placeInSpan(heard, from, act.durationMs);
      await this.#options.put(id, await encodeRecording(samples), this.#ended.signal);
      this.#options.answer(id, 'done');
    } catch (error) {
      this.#options.log.warn({ err: error, commandId: id }, 'a recording could not be sent');
      const detail = error instanceof Error ? error.message.slice(0, 200) : 'unknown';
      this.#options.answer(id, 'failed', detail);
    }
  }

  async #waitForSpan(from: MediaTime | null, durationMs: number): Promise<void> {
    const now = this.#options.mediaNow();
    if (from === null || now === null) return;
    const waitMs = (from - now) / 1000 + durationMs + MARGIN_MS;
    if (waitMs > MAX_WAIT_MS) throw new Error('the span lies too far ahead');
    if (waitMs > 0) await pause(this.#options.clock, waitMs, this.#ended.signal);
  }
}
