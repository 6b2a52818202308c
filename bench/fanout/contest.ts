import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Histogram } from '../measure/histogram.ts';
import type { Children } from '../rig/children.ts';
import { hasEnded } from '../rig/children.ts';
import { cpuSecondsOf } from '../rig/process-usage.ts';
import type { Contestant } from './contestants.ts';
import {
  heardSchema,
  joinedSchema,
  nowUs,
  stoppedSchema,
  utcOffsetUs,
  type Heard,
  type ToReceivers,
  type ToSpeaker,
} from './wire.ts';

export interface Load {
  readonly receivers: number;
  readonly packetsPerSecond: number;
  readonly material: 'speech' | 'largest';
  /** Of the receivers, so many join and then read nothing. */
  readonly frozen: number;
}

/** What one contestant did in one round. */
export interface Round {
  readonly deliveredPerSecond: number;
  /** Of the broker's processes, user and system, for each packet that arrived. */
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Packets of the round that had not arrived when nothing more came, in percent. */
  readonly missingPercent: number;
  readonly packetBytes: number;
  readonly longestSilenceMs: number;
}

const RECEIVER_PROCESSES = 2;
/** For compilers, caches and the speaker's beat. */
const WARM_MS = 2_000;
/** After a round the next begins once nothing has come for so long, but not much later than this. */
const QUIET_MS = 400;
const DRAIN_MS = 20_000;

/** One contestant with its speaker and its receivers, all connected. */
export class Contest {
  readonly contestant: Contestant;
  readonly #children: Children;
  readonly #load: Load;
  #speaker: ChildProcess | null = null;
  #receivers: ChildProcess[] = [];

  constructor(children: Children, contestant: Contestant, load: Load) {
    this.#children = children;
    this.contestant = contestant;
    this.#load = load;
  }

  /** The speaker first: our broker lets nobody else in before it knows whom it must not let in. */
  async start(): Promise<void> {
    const { contestant } = this;
    this.#speaker = await this.#helper('bench/fanout/speaker.ts');
    const greeting = await contestant.greetSpeaker();
    await this.#ask(this.#speaker, { type: 'join', port: contestant.speakerPort, greeting }, joinedSchema);
    for (let process = 0; process < RECEIVER_PROCESSES; process += 1) {
      this.#receivers.push(await this.#helper('bench/fanout/receivers.ts'));
    }
    // One after the other: tokens are good for a minute.
    for (const [process, child] of this.#receivers.entries()) await this.#join(child, process);
  }

  /** Speaks for so long, after a little warming up, and measures. */
  async round(seconds: number): Promise<Round> {
    const { pids } = this.contestant;
    const fromUs = nowUs() + WARM_MS * 1000;
    const toUs = fromUs + seconds * 1e6;
    for (const child of this.#receivers) tell(child, { type: 'window', fromUs, toUs });
    const { packetsPerSecond, material } = this.#load;
    tell(this.#speaking, { type: 'speak', packetsPerSecond, material });
    await sleepUntil(fromUs);
    const before = cpuSecondsOf(pids);
    await sleepUntil(toUs);
    const cpuSeconds = cpuSecondsOf(pids) - before;
    const spoken = await this.#ask(this.#speaking, { type: 'stop' }, stoppedSchema);
    const heard = await this.#drained();
    // Signs of life, while others are measured: what they leave behind is collected by the next round.
    for (const child of this.#receivers) tell(child, { type: 'ping' });
    return this.#sum(heard, { seconds, cpuSeconds, ...spoken });
  }

  async close(): Promise<void> {
    const helpers = [this.#speaker, ...this.#receivers].filter((child) => child !== null);
    await Promise.all(helpers.map((child) => this.#children.end(child)));
  }

  get #speaking(): ChildProcess {
    if (this.#speaker === null) throw new Error('not started');
    return this.#speaker;
  }

  async #join(child: ChildProcess, process: number): Promise<void> {
    const { receivers, frozen } = this.#load;
    const { port, isTls } = this.contestant;
    const each = Math.ceil(receivers / RECEIVER_PROCESSES);
    const indexes = Array.from({ length: receivers }, (_, index) => index);
    const mine = indexes.slice(process * each, (process + 1) * each);
    const greetings = await Promise.all(mine.map(async (index) => this.contestant.greetReceiver(index + 1)));
    const isLast = process === RECEIVER_PROCESSES - 1;
    await this.#ask(
      child,
      { type: 'join', port, isTls, greetings, frozen: isLast ? frozen : 0 },
      joinedSchema,
    );
  }

  /** What all have heard, once nothing more comes. */
  async #drained(): Promise<Heard[]> {
    const deadlineUs = nowUs() + DRAIN_MS * 1000;
    let heard = await this.#heard();
    for (;;) {
      await sleep(QUIET_MS);
      const later = await this.#heard();
      if (sum(later, 'all') === sum(heard, 'all') || nowUs() > deadlineUs) return later;
      heard = later;
    }
  }

  async #heard(): Promise<Heard[]> {
    return Promise.all(this.#receivers.map(async (child) => this.#ask(child, { type: 'tell' }, heardSchema)));
  }

  #sum(
    heard: readonly Heard[],
    spell: { seconds: number; cpuSeconds: number; packets: number; bytes: number },
  ): Round {
    const lateness = new Histogram();
    for (const { latenessPairs } of heard) lateness.addPairs(latenessPairs);
    const delivered = sum(heard, 'inWindow');
    const meant = spell.packets * (this.#load.receivers - this.#load.frozen);
    return {
      deliveredPerSecond: delivered / spell.seconds,
      cpuUs: (spell.cpuSeconds * 1e6) / delivered,
      p50Ms: lateness.quantile(0.5),
      p99Ms: lateness.quantile(0.99),
      missingPercent: (1 - sum(heard, 'all') / meant) * 100,
      packetBytes: spell.bytes / spell.packets,
      longestSilenceMs: Math.max(...heard.map(({ longestSilenceMs }) => longestSilenceMs)),
    };
  }

  async #helper(main: string): Promise<ChildProcess> {
    const env = { LOALANG_BENCH_UTC_OFFSET_US: String(utcOffsetUs()) };
    const { child } = await this.#children.startOurs(main, env);
    return child;
  }

  async #ask<T>(
    child: ChildProcess,
    message: ToReceivers | ToSpeaker,
    schema: { parse(answer: unknown): T },
  ): Promise<T> {
    const over = new AbortController();
    try {
      const answered = once(child, 'message', over);
      tell(child, message);
      const answer: unknown[] = await Promise.race([answered, endOf(child, over)]);
      return schema.parse(answer[0]);
    } finally {
      over.abort();
    }
  }
}

async function endOf(child: ChildProcess, over: AbortController): Promise<never> {
  if (!hasEnded(child)) await once(child, 'exit', over);
  throw new Error('a helper of the benchmark ended: see above');
}

function tell(child: ChildProcess, message: ToReceivers | ToSpeaker): void {
  child.send(message);
}

function sum(heard: readonly Heard[], field: 'all' | 'inWindow'): number {
  return heard.reduce((total, each) => total + each[field], 0);
}

async function sleepUntil(momentUs: number): Promise<void> {
  await sleep(Math.max(0, (momentUs - nowUs()) / 1000));
}
