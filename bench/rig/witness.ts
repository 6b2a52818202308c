// A platform that streams and a receiver that hears it, in a process of their own: what others do to a broker is seen here.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { deviceId, freshToken, type Authority, type Holder } from '@loalang/broker/testing';
import type { BrokerRole } from '@loalang/shared';
import { z } from 'zod';
import { hasEnded, type Children } from './children.ts';

/** Its receiver; others may have any other number. */
export const WITNESS_DEVICE = 1_000_000;
export const WITNESS_STREAM = 'beadfacebeadfacebeadfacebeadface';
const answerSchema = z.object({ worstMs: z.number() });

export interface WitnessLogin {
  readonly id: string;
  readonly credential: string;
  readonly token: string;
}

export class Witness {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(children: Children, port: number, authority: Authority): Promise<Witness> {
    const { child } = await children.startOurs('bench/rig/witness-process.ts', {
      WITNESS: JSON.stringify({
        port,
        revoked: await authority.revoke(1, []),
        platform: await login(authority, 'platform', 'platform'),
        device: await login(authority, deviceId(WITNESS_DEVICE), 'device'),
      }),
    });
    return new Witness(child);
  }

  /** Whether it has lost its connection. */
  get isLost(): boolean {
    return hasEnded(this.#child);
  }

  /** How late the latest packet was since this was asked before, ms; infinite where it has lost its connection. */
  async worstMs(): Promise<number> {
    if (this.isLost) return Infinity;
    const ended = new AbortController();
    const { signal } = ended;
    // That it is gone is seen by its end.
    this.#child.send({ type: 'worst' }, () => {});
    try {
      const answer: unknown = await Promise.race([
        once(this.#child, 'message', { signal }).then(([message]: unknown[]) => message),
        once(this.#child, 'exit', { signal }).then(() => ({ worstMs: Infinity })),
      ]);
      return this.isLost ? Infinity : answerSchema.parse(answer).worstMs;
    } finally {
      ended.abort();
    }
  }
}

async function login(authority: Authority, id: string, role: BrokerRole): Promise<WitnessLogin> {
  const holder: Holder = await authority.issue(id, role);
  return { id, credential: holder.credential, token: await freshToken(holder) };
}
