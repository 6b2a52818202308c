import { eq, like, sql } from 'drizzle-orm';
import type { MediaTime, Revoked } from '@loalang/shared';
import { signJws } from '@loalang/shared/signing';
import { schema, type Db } from '../database/index.ts';
import type { PlatformKey } from '../keys/index.ts';
import type { Clock } from '../time/index.ts';

const { platformState } = schema;
const VERSION = 'revoked-version';
/** A revoked id is a row of its own; its value is when. */
const PREFIX = 'revoked:';

/** Who may no longer sign in. Its version grows with each change, so that an older list never takes its place. */
export class RevokedList {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #key: PlatformKey;

  constructor(parts: { db: Db; clock: Clock; key: PlatformKey }) {
    this.#db = parts.db;
    this.#clock = parts.clock;
    this.#key = parts.key;
  }

  async has(id: string): Promise<boolean> {
    const rows = await this.#db
      .select({ key: platformState.key })
      .from(platformState)
      .where(eq(platformState.key, PREFIX + id));
    return rows.length > 0;
  }

  /** Adds a receiver's id, or the kid of a board's key, for good. The list has to be published afterwards. */
  async add(entry: string, db: Db = this.#db): Promise<void> {
    const now: MediaTime = this.#clock.now();
    await db.transaction(async (tx) => {
      const added = await tx
        .insert(platformState)
        .values({ key: PREFIX + entry, value: now })
        .onConflictDoNothing()
        .returning({ key: platformState.key });
      if (added.length > 0) await growVersion(tx);
    });
  }

  /** The signed list as it is now. */
  async sign(): Promise<string> {
    const rows = await this.#db
      .select()
      .from(platformState)
      .where(like(platformState.key, `${PREFIX}%`));
    const [version] = await this.#db.select().from(platformState).where(eq(platformState.key, VERSION));
    const list: Revoked = {
      type: 'revoked',
      version: version?.value ?? 1,
      issuedAt: this.#clock.now(),
      ids: rows.map(({ key }) => key.slice(PREFIX.length)),
    };
    return await signJws(list, this.#key.key, this.#key.certificate);
  }
}

async function growVersion(db: Db): Promise<void> {
  await db
    .insert(platformState)
    .values({ key: VERSION, value: 2 })
    .onConflictDoUpdate({ target: platformState.key, set: { value: sql`${platformState.value} + 1` } });
}
