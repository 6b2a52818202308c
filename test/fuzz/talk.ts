// One connection of the fuzzer: signs in where its role can, says its piece, hangs up.
import { connect } from 'node:net';
import { connectPacket, type Authority, type Holder } from '@loalang/broker/testing';
import { generate } from 'mqtt-packet';
import type { Script } from './script.ts';

/** An identity may sign in 120 times in two minutes. */
const SIGN_INS_OF_ONE = 100;
/** What is not over by then is ended by us. */
const MAX_TALK_MS = 2_000;

/** Hands out identities, a new one when the one before is worn out. */
export class Holders {
  readonly #authority: Authority;
  readonly #idOf: (index: number) => string;
  readonly #current = new Map<string, { holder: Holder; uses: number }>();
  #made = 0;

  constructor(authority: Authority, idOf: (index: number) => string) {
    this.#authority = authority;
    this.#idOf = idOf;
  }

  async next(role: Exclude<Script['role'], 'stranger'>, slot: number): Promise<Holder> {
    const key = `${role} ${slot}`;
    const held = this.#current.get(key);
    if (held !== undefined && held.uses < SIGN_INS_OF_ONE) {
      held.uses += 1;
      return held.holder;
    }
    this.#made += 1;
    const id = role === 'device' ? this.#idOf(this.#made) : `${role}-${this.#made}`;
    const holder = await this.#authority.issue(id, role);
    this.#current.set(key, { holder, uses: 1 });
    return holder;
  }

  /** The one of this id, as which something was said before. */
  async as(id: string, role: Exclude<Script['role'], 'stranger'>): Promise<Holder> {
    return this.#authority.issue(id, role);
  }
}

/** Resolves when the connection is over, with whether there ever was one. */
export async function talk(port: number, holder: Holder | null, bytes: Buffer): Promise<boolean> {
  const signIn = holder === null ? null : generate(await connectPacket(holder));
  return new Promise((resolve) => {
    let isReached = false;
    const socket = connect({ host: '127.0.0.1', port });
    const timer = setTimeout(() => socket.destroy(), MAX_TALK_MS);
    socket.on('connect', () => (isReached = true));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(isReached);
    });
    if (signIn === null) socket.end(bytes);
    else {
      socket.write(signIn);
      // The broker's answer. What comes along with a CONNECT is read slowly.
      socket.once('data', () => socket.end(bytes));
    }
    socket.resume();
  });
}
