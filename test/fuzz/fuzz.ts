// Spoilt packets against a live broker, on many connections at once, while a healthy pair looks on.
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceId } from '@loalang/broker/testing';
import { BrokerProcess } from '../../bench/rig/broker-process.ts';
import { Children } from '../../bench/rig/children.ts';
import type { Witness } from '../../bench/rig/witness.ts';
import { Recent, type Said } from './recent.ts';
import { makeScript } from './script.ts';
import { Holders, talk } from './talk.ts';

export interface FuzzOptions {
  readonly seed: string;
  readonly seconds: number;
  /** Where the connections that came last are written if something goes wrong. */
  readonly failureFile: string;
}

export interface FuzzResult {
  /** Spoilt packets sent, and packets of any kind that the broker has read. */
  readonly sent: number;
  readonly read: number;
  readonly connections: number;
  readonly worstMs: number;
  /** What was left in use after collections, in the first and in the last quarter; and resident memory at the end. */
  readonly beforeMB: number;
  readonly afterMB: number;
  readonly residentMB: number;
  /** What went wrong; null for nothing. */
  readonly failure: string | null;
}

/** Connections at a time. */
const SLOTS = 16;
const LOOK_EVERY_MS = 1_000;
/** A healthy client may be late by this much on a machine that is wholly busy with us. */
const MAX_LATE_MS = 3_000;
/** What the broker has in use may grow by from the first quarter of the run to the last: it remembers tokens for a while. */
const MAX_GROWTH_MB = 60;
/** In fewer looks than this there is no telling growth from what is yet to be collected. */
const LOOKS_FOR_GROWTH = 40;
/** What the runtime may keep for later, which it does not give back. */
const MAX_RESIDENT_MB = 500;
/** An id of a stranger's claim; deviceId(index) from here on are real ones. */
const FIRST_DEVICE = 1_000;

/** Limits that would only slow us down. What is fuzzed stays as it is in service. */
const NO_LIMIT = '1000000000';
const wideLimits = {
  LOALANG_BROKER_DEVICE_PACKETS_PER_SECOND: NO_LIMIT,
  LOALANG_BROKER_DEVICE_BYTES_PER_SECOND: NO_LIMIT,
  LOALANG_BROKER_TIME_PACKETS_PER_SECOND: NO_LIMIT,
  LOALANG_BROKER_TIME_BYTES_PER_SECOND: NO_LIMIT,
  LOALANG_BROKER_PLATFORM_PACKETS_PER_SECOND: NO_LIMIT,
  LOALANG_BROKER_NEW_PER_SECOND: NO_LIMIT,
  LOALANG_BROKER_SIGN_IN_MS: '500',
  LOALANG_BROKER_HELD_FAILURES: '1',
  LOALANG_BROKER_RETAINED_MESSAGES: '1000',
};

export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const children = new Children();
  const broker = await BrokerProcess.start(children, wideLimits);
  const run = new FuzzRun(options, broker, await broker.witness(children));
  const result = await run.run();
  await children.close();
  return result;
}

class FuzzRun {
  readonly #options: FuzzOptions;
  readonly #broker: BrokerProcess;
  readonly #witness: Witness;
  readonly #holders: Holders;
  readonly #recent = new Recent();
  #sent = 0;
  #connections = 0;
  #worstMs = 0;
  #failure: string | null = null;
  #isOver = false;

  constructor(options: FuzzOptions, broker: BrokerProcess, witness: Witness) {
    this.#options = options;
    this.#broker = broker;
    this.#witness = witness;
    this.#holders = new Holders(broker.authority, (index) => deviceId(FIRST_DEVICE + index));
  }

  async run(): Promise<FuzzResult> {
    const slots = Array.from({ length: SLOTS }, async (_, slot) => this.#speak(slot));
    const memoryMB = await this.#watch();
    this.#isOver = true;
    await Promise.all(slots);
    const quarter = Math.ceil(memoryMB.length / 4);
    // The lowest is the one right after a collection.
    const beforeMB = Math.min(...memoryMB.slice(0, quarter));
    const afterMB = Math.min(...memoryMB.slice(-quarter));
    const residentMB = this.#broker.hasEnded ? 0 : this.#broker.usage.rssMB;
    const grows = memoryMB.length >= LOOKS_FOR_GROWTH && afterMB - beforeMB > MAX_GROWTH_MB;
    if (grows || residentMB > MAX_RESIDENT_MB) this.#failure ??= 'memory grows';
    if (this.#failure !== null) await writeFile(this.#options.failureFile, this.#recent.toText());
    return {
      sent: this.#sent,
      read: this.#broker.hasEnded ? 0 : await this.#broker.metric('received_packets_total'),
      connections: this.#connections,
      worstMs: this.#worstMs,
      beforeMB,
      afterMB,
      residentMB,
      failure: this.#failure,
    };
  }

  /** One connection after the other, each by its own seed. */
  async #speak(slot: number): Promise<void> {
    for (let number = 0; !this.#isOver; number += 1) {
      const seed = `${this.#options.seed} ${slot} ${number}`;
      const { role } = makeScript(seed, '');
      const holder = role === 'stranger' ? null : await this.#holders.next(role, slot);
      const script = makeScript(seed, holder?.id ?? deviceId(slot));
      const said: Said = { role, seed, id: holder?.id ?? '', bytes: script.bytes };
      this.#recent.begin(said);
      const isReached = await talk(this.#broker.port, holder, script.bytes);
      this.#recent.end(said, isReached);
      if (!isReached) {
        // No broker any more, or no port left here for a moment.
        await sleep(LOOK_EVERY_MS);
        continue;
      }
      this.#sent += script.mutated;
      this.#connections += 1;
    }
  }

  /** Until the time is up or something is wrong. Resolves with the memory at each look. */
  async #watch(): Promise<number[]> {
    const memoryMB: number[] = [];
    const until = performance.now() + this.#options.seconds * 1000;
    while (performance.now() < until && this.#failure === null) {
      await sleep(LOOK_EVERY_MS);
      const worstMs = await this.#witness.worstMs();
      if (this.#broker.hasEnded) this.#failure = 'the broker has ended';
      else if (worstMs === Infinity) this.#failure = 'a healthy client lost its connection';
      else if (worstMs > MAX_LATE_MS) this.#failure = `a healthy client was ${Math.round(worstMs)} ms late`;
      this.#worstMs = Math.max(this.#worstMs, worstMs);
      if (this.#failure === null) memoryMB.push(await this.#usedMB());
    }
    return memoryMB;
  }

  async #usedMB(): Promise<number> {
    try {
      const bytes = await Promise.all(
        ['heap', 'buffers'].map(async (kind) => this.#broker.metric('memory_bytes', `"${kind}"`)),
      );
      return bytes.reduce((sum, each) => sum + each, 0) / 1e6;
    } catch (error) {
      this.#failure = `the broker does not tell how it is: ${String(error)}`;
      return 0;
    }
  }
}
