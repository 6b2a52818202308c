import { eq } from 'drizzle-orm';
import { addMs, LoaLangError, type MediaTime, type NewPerson, type Person } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';
import { subtreeIds } from '../units/index.ts';
import * as repository from './repository.ts';
import { checkPassword, hashPassword, hashToken, newToken } from './secrets.ts';

const HOUR_MS = 3_600_000;
/** A session lasts while it is used: a working day without use ends it, a week ends it in any case. */
const SESSION_IDLE_MS = 12 * HOUR_MS;
const SESSION_LIMIT_MS = 7 * 24 * HOUR_MS;
/** A session in use is prolonged once an hour, not with each request. */
const SESSION_STEP_MS = HOUR_MS;
const LINK_LIFE_MS = 24 * HOUR_MS;

export interface SignedIn {
  readonly person: Person;
  /** The session's secret, for the cookie; the database has only its hash. */
  readonly token: string;
  readonly expiresAt: MediaTime;
}

export interface Session {
  readonly person: Person;
  readonly expiresAt: MediaTime;
}

export interface PeopleOptions {
  readonly db: Db;
  readonly clock: { now(): MediaTime };
}

/** Who works with the console, and how they prove it. */
export class People {
  readonly #db: Db;
  readonly #clock: { now(): MediaTime };

  constructor(options: PeopleOptions) {
    this.#db = options.db;
    this.#clock = options.clock;
  }

  /** Signs in by name and password. Throws SIGN_IN_WRONG, after the same time whatever was wrong. */
  async signIn(input: { readonly username: string; readonly password: string }): Promise<SignedIn> {
    const username = input.username.trim().toLowerCase();
    const row = await repository.findActive(this.#db, { username });
    const isRight = await checkPassword(row?.passwordHash ?? null, input.password);
    if (row === null || !isRight) throw new LoaLangError('SIGN_IN_WRONG');
    return await this.#open(this.#db, row);
  }

  /** Signs in by a one-time link. Throws SIGN_IN_LINK_USED. */
  async signInByLink(token: string): Promise<SignedIn> {
    return await this.#db.transaction(async (tx) => {
      const personId = await repository.useLink(tx, hashToken(token), this.#clock.now());
      const row = personId === null ? null : await repository.findActive(tx, { id: personId });
      if (row === null) throw new LoaLangError('SIGN_IN_LINK_USED');
      return await this.#open(tx, row);
    });
  }

  /** Makes a one-time link's secret for a person; it is good for 24 hours. */
  async createLink(personId: string): Promise<string> {
    const token = newToken();
    const expiresAt = addMs(this.#clock.now(), LINK_LIFE_MS);
    await this.#db
      .insert(schema.signInLinks)
      .values({ tokenHash: hashToken(token), personId, expiresAt, usedAt: null });
    return token;
  }

  /** The session of a token, prolonged by being used; null where it has ended. */
  async session(token: string): Promise<Session | null> {
    const now = this.#clock.now();
    const tokenHash = hashToken(token);
    const row = await repository.findSession(this.#db, tokenHash, now);
    if (row === null) return null;
    const expiresAt = Math.min(addMs(now, SESSION_IDLE_MS), row.createdAt + SESSION_LIMIT_MS * 1000);
    if (expiresAt - row.expiresAt >= SESSION_STEP_MS * 1000) {
      await this.#db
        .update(schema.sessions)
        .set({ expiresAt })
        .where(eq(schema.sessions.tokenHash, tokenHash));
    }
    return { person: repository.asPerson(row.person), expiresAt: addMs(now, (expiresAt - now) / 1000) };
  }

  /** Ends a session; does nothing where it has ended. */
  async signOut(token: string): Promise<void> {
    await this.#db.delete(schema.sessions).where(eq(schema.sessions.tokenHash, hashToken(token)));
  }

  /** Everybody of the administrator's units. Throws FORBIDDEN. */
  async list(by: Person): Promise<Person[]> {
    const rows = await repository.listActive(this.#db, await this.#unitsOf(by));
    return rows.map(repository.asPerson);
  }

  /** Adds a person to one of the administrator's units. Throws FORBIDDEN, NOT_FOUND or USERNAME_TAKEN. */
  async add(by: Person, input: NewPerson): Promise<Person> {
    if (!(await this.#unitsOf(by)).includes(input.unitId)) throw new LoaLangError('NOT_FOUND');
    return await this.#insert({ ...input, passwordHash: await hashPassword(input.password) });
  }

  /**
   * Sets a new password and ends all other sessions and links of the person. `current` is null only where there is no
   * password yet. Throws PASSWORD_WRONG.
   */
  async changePassword(
    personId: string,
    change: { readonly current: string | null; readonly next: string; readonly sessionToken: string | null },
  ): Promise<void> {
    const next = await hashPassword(change.next);
    await this.#db.transaction(async (tx) => {
      const row = await repository.lockPassword(tx, personId);
      if (row === null) throw new LoaLangError('SIGN_IN_REQUIRED');
      const isAllowed =
        row.passwordHash === null || (await checkPassword(row.passwordHash, change.current ?? ''));
      if (!isAllowed) throw new LoaLangError('PASSWORD_WRONG');
      await repository.setPassword(tx, personId, next);
      const kept = change.sessionToken === null ? null : hashToken(change.sessionToken);
      await repository.endSessions(tx, personId, kept);
    });
  }

  /** Takes a person's access away at once; what they did stays. Nobody disables themselves. Throws FORBIDDEN or NOT_FOUND. */
  async disable(by: Person, personId: string): Promise<void> {
    const unitIds = await this.#unitsOf(by);
    if (by.id === personId) throw new LoaLangError('FORBIDDEN');
    await this.#db.transaction(async (tx) => {
      const row = await repository.findActive(tx, { id: personId });
      if (row === null || !unitIds.includes(row.unit.id)) throw new LoaLangError('NOT_FOUND');
      await repository.setDisabled(tx, personId, this.#clock.now());
      await repository.endSessions(tx, personId, null);
    });
  }

  /** The person of that user name, added without a password where missing: whom the first sign-in link is for. */
  async ensure(input: Omit<NewPerson, 'password'>): Promise<Person> {
    const row = await repository.findActive(this.#db, { username: input.username });
    return row === null ? await this.#insert({ ...input, passwordHash: null }) : repository.asPerson(row);
  }

  /** Removes ended sessions and links; to be called now and then. */
  async prune(): Promise<void> {
    await repository.prune(this.#db, this.#clock.now());
  }

  async #insert(input: Omit<NewPerson, 'password'> & { passwordHash: string | null }): Promise<Person> {
    const { username, name, role, unitId, passwordHash } = input;
    const createdAt = this.#clock.now();
    const row = { username, name, role, unitId, passwordHash, createdAt };
    const id = await repository.insertPerson(this.#db, row);
    const added = id === null ? null : await repository.findActive(this.#db, { id });
    if (added === null) throw new LoaLangError('USERNAME_TAKEN', { username });
    return repository.asPerson(added);
  }

  async #open(db: repository.Queries, row: repository.PersonRow): Promise<SignedIn> {
    const token = newToken();
    const createdAt = this.#clock.now();
    const expiresAt = addMs(createdAt, SESSION_IDLE_MS);
    await db
      .insert(schema.sessions)
      .values({ tokenHash: hashToken(token), personId: row.id, createdAt, expiresAt });
    return { person: repository.asPerson(row), token, expiresAt };
  }

  async #unitsOf(by: Person): Promise<string[]> {
    if (by.role !== 'administrator') throw new LoaLangError('FORBIDDEN');
    return await subtreeIds(this.#db, by.unit.id);
  }
}
