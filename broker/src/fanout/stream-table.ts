import { readPacketEnd, type MediaTime } from '@loalang/shared';
import { generate } from 'mqtt-packet';
import type { Frame } from './packet-queue.ts';
import { Subscriber, type FanoutParts, type StreamClient } from './subscriber.ts';
import type { Writers } from './writers.ts';

/**
 * Who hears which stream. A packet is encoded once, and the same bytes are written to every subscriber at QoS 0,
 * whatever QoS it came with; nobody waits for anybody. Rights are checked when a client is added; whoever loses them
 * must be removed.
 */
export class StreamTable {
  readonly #parts: FanoutParts;
  readonly #writers: Writers;
  readonly #byTopic = new Map<string, Set<Subscriber>>();
  readonly #byClient = new Map<StreamClient, { subscriber: Subscriber; topics: Set<string> }>();

  constructor(parts: FanoutParts, writers: Writers) {
    this.#parts = parts;
    this.#writers = writers;
  }

  /** May be called again for what is there already. */
  add(topic: string, client: StreamClient): void {
    const entry = this.#byClient.get(client) ?? {
      subscriber: new Subscriber(client, this.#writers.of(client.conn), this.#parts),
      topics: new Set<string>(),
    };
    this.#byClient.set(client, entry);
    entry.topics.add(topic);
    const subscribers = this.#byTopic.get(topic) ?? new Set<Subscriber>();
    this.#byTopic.set(topic, subscribers.add(entry.subscriber));
  }

  remove(topic: string, client: StreamClient): void {
    const entry = this.#byClient.get(client);
    if (entry === undefined || !entry.topics.delete(topic)) return;
    const subscribers = this.#byTopic.get(topic);
    subscribers?.delete(entry.subscriber);
    if (subscribers?.size === 0) this.#byTopic.delete(topic);
    if (entry.topics.size > 0) return;
    entry.subscriber.close();
    this.#byClient.delete(client);
  }

  removeClient(client: StreamClient): void {
    const topics = this.#byClient.get(client)?.topics ?? [];
    for (const topic of topics) this.remove(topic, client);
  }

  publish(topic: string, payload: Uint8Array): void {
    const subscribers = this.#byTopic.get(topic);
    if (subscribers === undefined) return;
    const { clock, tally } = this.#parts;
    const frame = encode(topic, payload, clock.now());
    for (const subscriber of subscribers) subscriber.send(frame);
    tally.spread((clock.now() - frame.arrivedAt) / 1000);
  }

  /** Do packets wait for this client? */
  isBehind(client: StreamClient): boolean {
    return (this.#byClient.get(client)?.subscriber.queuedBytes ?? 0) > 0;
  }

  /** Bytes that wait for slow subscribers, in all. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const { subscriber } of this.#byClient.values()) bytes += subscriber.queuedBytes;
    return bytes;
  }
}

/** What is no audio packet has no time to be heard at, and is the first to go under pressure. */
function encode(topic: string, payload: Uint8Array, arrivedAt: MediaTime): Frame {
  const bytes = generate({
    cmd: 'publish',
    topic,
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    qos: 0,
    dup: false,
    retain: false,
  });
  return { bytes, arrivedAt, endsAt: readPacketEnd(payload) ?? arrivedAt };
}
