/**
 * Publishes what the receivers' rows hold and the broker does not: the rows are the outbox. One runner, so the states of
 * a receiver go out in the order of their numbers; a row is marked only when the broker has acknowledged, so whatever a
 * crash leaves behind goes out at the next start.
 */
import { deviceTopic, REVOKED_TOPIC } from '@loalang/shared';
import type { Logger } from 'pino';
import type { Db } from '../database/index.ts';
import type { Clock, Timer } from '../time/index.ts';
import type { Link } from './link.ts';
import * as repository from './outbox-repository.ts';

export interface OutboxParts {
  readonly db: Db;
  readonly link: Link;
  readonly clock: Clock;
  readonly log: Logger;
  /** The signed list of revoked ids, as it is now. */
  revoked(): Promise<string>;
}

/** So many receivers at a time; their publishes are in flight together. */
const BATCH = 100;
/** After a failure that is not the link's, the database's for one. */
const RETRY_MS = 1_000;

export class Outbox {
  readonly #parts: OutboxParts;
  #running: Promise<void> | null = null;
  #isDirty = false;
  #isBrokerEmpty = true;
  #isRevokedDue = false;
  #isClosed = false;
  #retry: Timer | null = null;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.link.onUp(() => {
      this.#isBrokerEmpty = true;
      this.kick();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#running;
  }

  /** Something may have to go out. Returns at once. */
  kick(): void {
    this.#isDirty = true;
    if (this.#isClosed || !this.#parts.link.isUp) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (this.#isDirty && this.#retry === null) this.kick();
    });
  }

  /** The list of revoked ids has changed. */
  publishRevoked(): void {
    this.#isRevokedDue = true;
    this.kick();
  }

  async #run(): Promise<void> {
    try {
      while (this.#isDirty && !this.#isClosed && this.#parts.link.isUp) {
        this.#isDirty = false;
        if (this.#isBrokerEmpty) await this.#beginAgain();
        else if (this.#isRevokedDue) await this.#sendRevoked();
        if (await this.#publishBatch()) this.#isDirty = true;
      }
    } catch (error) {
      this.#isDirty = true;
      this.#parts.log.warn({ err: error }, 'not everything could be published; it stays in the outbox');
      this.#retry = this.#parts.clock.after(RETRY_MS, () => {
        this.#retry = null;
        this.kick();
      });
    }
  }

  /** The broker lets nobody but us in before it has the list of revoked ids: so that goes first. */
  async #beginAgain(): Promise<void> {
    this.#isBrokerEmpty = false;
    try {
      await this.#sendRevoked();
      await repository.markAllUnpublished(this.#parts.db);
    } catch (error) {
      this.#isBrokerEmpty = true;
      throw error;
    }
  }

  async #sendRevoked(): Promise<void> {
    this.#isRevokedDue = false;
    try {
      await this.#parts.link.publish(REVOKED_TOPIC, await this.#parts.revoked(), { isRetained: true });
    } catch (error) {
      this.#isRevokedDue = true;
      throw error;
    }
  }

  /** Returns whether there was something to publish. */
  async #publishBatch(): Promise<boolean> {
    const rows = await repository.listUnpublished(this.#parts.db, BATCH);
    if (rows.length === 0) return false;
    const results = await Promise.allSettled(rows.map(async (row) => await this.#publishStates(row)));
    const published = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (published.length > 0) await repository.markPublished(this.#parts.db, published);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return true;
  }

  async #publishStates(row: repository.Unpublished): Promise<repository.Published> {
    const { link } = this.#parts;
    const publishes: Promise<void>[] = [];
    if (row.nowN > row.nowPublishedN && row.nowJws !== null) {
      publishes.push(link.publish(deviceTopic(row.id, 'now'), row.nowJws, { isRetained: true }));
    }
    if (row.planN > row.planPublishedN && row.planJws !== null) {
      publishes.push(link.publish(deviceTopic(row.id, 'plan'), row.planJws, { isRetained: true }));
    }
    await Promise.all(publishes);
    return { id: row.id, planN: row.planN, nowN: row.nowN };
  }
}
