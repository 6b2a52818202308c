import { randomInt } from 'node:crypto';
import { createScheduler, type Scheduler } from '@loalang/scheduler';
import { generateSigningKey, writeSigningKey } from '@loalang/shared/signing';
import { pino } from 'pino';
import { BROKER_NAME } from './brokers.ts';
import type { Member } from './messages.ts';

const COMMUNES = 100;
const CODE_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const JOINING_AT_A_TIME = 4;

/** The platform as it is in service (its own PostgreSQL, its outbox, its intake), with a province of receivers. */
export class Province {
  readonly #count: number;
  readonly #codes: readonly string[];
  #scheduler: Scheduler | null = null;

  constructor(count: number) {
    this.#count = count;
    this.#codes = Array.from({ length: count }, (_, index) => codeOf(index));
  }

  get rootKey(): string {
    return this.#running.rootPublic;
  }

  async start(folder: string, brokerUrl: string): Promise<void> {
    const units = Array.from({ length: COMMUNES }, (_, index) => ({
      id: `commune-${index}`,
      parentId: 'province',
      kind: 'commune' as const,
      name: `Xã ${index}`,
    }));
    const province = { id: 'province', parentId: null, kind: 'province' as const, name: 'Yên Bái' };
    const devices = this.#codes.map((joinCode, index) => ({
      unitId: `commune-${index % COMMUNES}`,
      number: 1 + Math.floor(index / COMMUNES),
      name: `Loa ${index}`,
      joinCode,
    }));
    this.#scheduler = await createScheduler({
      dataFolder: folder,
      broker: { url: brokerUrl, name: BROKER_NAME },
      sample: { units: [province, ...units], devices },
      log: pino({ level: 'fatal' }),
    });
  }

  /** Lets every receiver join by its code. */
  async join(): Promise<Member[]> {
    const members: Member[] = [];
    const waiting = [...this.#codes];
    const work = async (): Promise<void> => {
      for (let code = waiting.pop(); code !== undefined; code = waiting.pop()) {
        members.push(await this.#joinOne(code));
      }
    };
    await Promise.all(Array.from({ length: JOINING_AT_A_TIME }, work));
    if (members.length !== this.#count) throw new Error('not all have joined');
    return members;
  }

  async close(): Promise<void> {
    await this.#scheduler?.close();
  }

  get #running(): Scheduler {
    if (this.#scheduler === null) throw new Error('not started');
    return this.#scheduler;
  }

  async #joinOne(code: string): Promise<Member> {
    const key = generateSigningKey();
    const answer = await this.#running.enrolment.join({ code, key: key.public, model: 'storm' });
    if (answer.state !== 'joined') throw new Error(`the code ${code} was not taken`);
    const { deviceId, credential } = answer;
    return { deviceId, credential, privateKey: writeSigningKey(key) };
  }
}

/** Eight letters, different for each index. */
function codeOf(index: number): string {
  const letter = (n: number): string => CODE_LETTERS[n % CODE_LETTERS.length] ?? 'A';
  const counted = [index >> 10, index >> 5, index].map(letter).join('');
  return counted + Array.from({ length: 5 }, () => letter(randomInt(CODE_LETTERS.length))).join('');
}
