import { Readable } from 'node:stream';
import { REVOKED_TOPIC } from '@loalang/shared';
import type { BrokerLimits } from '../limits/bounds.ts';

/** What of a message the store looks at; Aedes' packets have more, and get it back. */
export interface RetainedMessage {
  readonly topic: string;
  readonly payload: string | Uint8Array;
}

/**
 * What Aedes takes as its `persistence`, cut down to what a broker of clean sessions has: retained messages. Nothing of
 * QoS 2, of offline queues or of wills of other brokers is ever stored. Found by their exact topic, where Aedes' own
 * store compares each subscription with everything retained (2.3 ms for 2,000 receivers, so 4.6 s when all of them
 * subscribe to a live stream).
 *
 * Full: a message reaches who is there and is not kept, and what it was to replace is gone too, since nobody is to get
 * what is known to be old. The platform publishes again what a receiver says that it lacks. The list of revoked ids is
 * always kept.
 */
export class RetainedStore {
  readonly #messages = new Map<string, RetainedMessage>();
  readonly #limits: BrokerLimits;
  readonly #onFull: () => void;
  #bytes = 0;

  constructor(limits: BrokerLimits, onFull: () => void) {
    this.#limits = limits;
    this.#onFull = onFull;
  }

  get count(): number {
    return this.#messages.size;
  }

  /** Of topics and payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Aedes insists on an async function. */
  async setup(): Promise<void> {
    await Promise.resolve();
  }

  /** An empty message takes back what was retained ([MQTT-3.3.1-10]). */
  async storeRetained(message: RetainedMessage): Promise<void> {
    if (message.payload.length === 0) this.#forget(message.topic);
    else this.#keep(message);
    return Promise.resolve();
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(filters.flatMap((filter) => this.find(filter)));
  }

  /** All retained messages that a filter of ours matches: an exact topic, or one with `+` in it. */
  find(filter: string): RetainedMessage[] {
    if (!filter.includes('+')) {
      const message = this.#messages.get(filter);
      return message === undefined ? [] : [message];
    }
    const levels = filter.split('/');
    return [...this.#messages.values()].filter(({ topic }) => matches(topic.split('/'), levels));
  }

  #keep(message: RetainedMessage): void {
    const { retainedMessages, retainedBytes } = this.#limits;
    const held = this.#messages.get(message.topic);
    const more = { count: held === undefined ? 1 : 0, bytes: bytesOf(message) - (held ? bytesOf(held) : 0) };
    const fits = this.count + more.count <= retainedMessages && this.#bytes + more.bytes <= retainedBytes;
    if (!fits && message.topic !== REVOKED_TOPIC) {
      this.#forget(message.topic);
      this.#onFull();
      return;
    }
    this.#messages.set(message.topic, { ...message });
    this.#bytes += more.bytes;
  }

  #forget(topic: string): void {
    const held = this.#messages.get(topic);
    if (held === undefined) return;
    this.#messages.delete(topic);
    this.#bytes -= bytesOf(held);
  }

  // What Aedes asks of every store, answered for sessions that leave nothing.

  async cleanSubscriptions(): Promise<void> {
    return Promise.resolve();
  }

  async cleanIncoming(): Promise<void> {
    return Promise.resolve();
  }

  async subscriptionsByTopic(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  async outgoingEnqueueCombi(): Promise<void> {
    return Promise.resolve();
  }

  /** Asked at each PUBACK. */
  async outgoingClearMessageId(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  outgoingStream(): Readable {
    return Readable.from([]);
  }

  /** Asked at a PUBREL, which only a QoS 2 publish that was never taken would explain. */
  async incomingGetPacket(): Promise<never> {
    return Promise.reject(new Error('there are no QoS 2 messages here'));
  }

  async putWill(): Promise<void> {
    return Promise.resolve();
  }

  async delWill(): Promise<void> {
    return Promise.resolve();
  }

  streamWill(): Readable {
    return Readable.from([]);
  }
}

function bytesOf({ topic, payload }: RetainedMessage): number {
  return topic.length + Buffer.byteLength(payload);
}

function matches(topic: readonly string[], filter: readonly string[]): boolean {
  return (
    topic.length === filter.length && filter.every((level, index) => level === '+' || level === topic[index])
  );
}
