import mqemitter from 'mqemitter';
import { isStreamTopic } from '../rights/rights.ts';
import type { StreamTable } from './stream-table.ts';

type Deliver = (message: mqemitter.Message, done: () => void) => void;

/**
 * What Aedes takes as its `mq`: streams go to the table, everything else to a plain emitter. A publish is done once it
 * has been handed over. (Aedes' own emitter is done when the last subscriber is, so that one that stops reading holds
 * up its publisher, and after a hundred such messages everybody.)
 *
 * Aedes adds and removes stream subscriptions here too, but by a function that hides its client; the table learns of
 * them by Aedes' 'subscribe' and 'unsubscribe' events instead, which come in the same tick, since here they are done
 * at once.
 */
export class StreamEmitter {
  readonly #table: StreamTable;
  /** Without a bound on what is under way: each subscriber bounds its own (`waitingBytes`). */
  readonly #others = mqemitter({ concurrency: 0, matchEmptyLevels: true });

  constructor(table: StreamTable) {
    this.#table = table;
  }

  on(topic: string, deliver: Deliver, done?: () => void): this {
    if (isStreamTopic(topic)) done?.();
    else this.#others.on(topic, deliver, done);
    return this;
  }

  removeListener(topic: string, deliver: Deliver, done?: () => void): this {
    if (isStreamTopic(topic)) done?.();
    else this.#others.removeListener(topic, deliver, done);
    return this;
  }

  emit(message: mqemitter.Message, done?: (error?: Error) => void): this {
    const payload: unknown = message['payload'];
    if (!isStreamTopic(message.topic)) this.#others.emit(message);
    else if (payload instanceof Uint8Array) this.#table.publish(message.topic, payload);
    // Not in this tick: Aedes' parser can't be entered again from within the packet that it is handing over.
    if (done !== undefined) setImmediate(done);
    return this;
  }

  close(done: () => void): void {
    this.#others.close(done);
  }
}
