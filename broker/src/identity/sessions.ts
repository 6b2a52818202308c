import type { BrokerRole } from '@loalang/shared';
import type { TrustStore } from '@loalang/shared/signing';
import type { Client } from 'aedes';
import type { Clock } from '../clock.ts';
import type { RevokedList } from './revoked-list.ts';
import type { Admitted } from './sign-in.ts';

/** A connection whose holder is known. */
export interface Session extends Admitted {
  /** Topics of the streams that it subscribes to. */
  readonly streams: Set<string>;
}

/** Who is connected. A session counts only while its credential is valid, and neither its id, its key nor its signer is revoked. */
export class Sessions {
  readonly #trust: TrustStore;
  readonly #revoked: RevokedList;
  readonly #clock: Clock;
  readonly #ofClient = new WeakMap<Client, Session>();
  readonly #online = new Map<string, Client>();

  constructor(trust: TrustStore, revoked: RevokedList, clock: Clock) {
    this.#trust = trust;
    this.#revoked = revoked;
    this.#clock = clock;
  }

  /** Notes who signed in on a connection that Aedes has yet to register. */
  open(client: Client, admitted: Admitted): void {
    this.#ofClient.set(client, { ...admitted, streams: new Set() });
  }

  /** The session of a connection; null where its rights are gone. */
  of(client: Client): Session | null {
    const session = this.#ofClient.get(client);
    if (session === undefined || this.#revoked.names(session)) return null;
    if (this.#trust.isRetired(session.signedBy)) return null;
    return session.expiresAt > this.#clock.now() ? session : null;
  }

  /** The connection of this id; a sign-in that succeeds takes its place. */
  online(id: string): Client | null {
    return this.#online.get(id) ?? null;
  }

  /** Aedes has registered the connection. Returns the one of the same id that it replaces, should Aedes have lost it. */
  join(client: Client): Client | null {
    const former = this.#online.get(client.id);
    this.#online.set(client.id, client);
    return former === undefined || former === client ? null : former;
  }

  leave(client: Client): void {
    if (this.#online.get(client.id) === client) this.#online.delete(client.id);
  }

  /** The connections that have lost their rights. */
  rightless(): Client[] {
    return [...this.#online.values()].filter((client) => this.of(client) === null);
  }

  count(role: BrokerRole): number {
    let count = 0;
    for (const client of this.#online.values()) {
      if (this.#ofClient.get(client)?.identity.role === role) count += 1;
    }
    return count;
  }
}
