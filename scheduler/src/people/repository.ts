import { and, asc, eq, gt, inArray, isNull, lt, ne, or } from 'drizzle-orm';
import type { MediaTime, Person } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';

const { people, sessions, signInLinks, units } = schema;

/** The pool or a transaction. */
export type Queries = Pick<Db, 'select' | 'insert' | 'update' | 'delete'>;

const personColumns = {
  id: people.id,
  username: people.username,
  name: people.name,
  role: people.role,
  unit: { id: units.id, name: units.name },
  passwordHash: people.passwordHash,
};

export type PersonRow = Omit<Person, 'hasPassword'> & { readonly passwordHash: string | null };

/** A row as the contract shows it. */
export function asPerson({ passwordHash, ...person }: PersonRow): Person {
  return { ...person, hasPassword: passwordHash !== null };
}

/** A person who may sign in, by name or id. */
export async function findActive(
  db: Queries,
  by: { readonly username: string } | { readonly id: string },
): Promise<PersonRow | null> {
  const match = 'id' in by ? eq(people.id, by.id) : eq(people.username, by.username);
  const rows = await db
    .select(personColumns)
    .from(people)
    .innerJoin(units, eq(units.id, people.unitId))
    .where(and(match, isNull(people.disabledAt)));
  return rows[0] ?? null;
}

/** Everybody of some units who may sign in, by user name. */
export async function listActive(db: Queries, unitIds: readonly string[]): Promise<PersonRow[]> {
  return await db
    .select(personColumns)
    .from(people)
    .innerJoin(units, eq(units.id, people.unitId))
    .where(and(inArray(people.unitId, [...unitIds]), isNull(people.disabledAt)))
    .orderBy(asc(people.username));
}

export type NewRow = typeof people.$inferInsert;

/** Adds a person; null where the user name is taken. */
export async function insertPerson(db: Queries, row: NewRow): Promise<string | null> {
  const rows = await db.insert(people).values(row).onConflictDoNothing().returning({ id: people.id });
  return rows[0]?.id ?? null;
}

/** Locks a person's row until the end of the transaction, so that two changes at once come one after the other. */
export async function lockPassword(db: Queries, id: string): Promise<{ passwordHash: string | null } | null> {
  const rows = await db
    .select({ passwordHash: people.passwordHash })
    .from(people)
    .where(and(eq(people.id, id), isNull(people.disabledAt)))
    .for('update');
  return rows[0] ?? null;
}

export async function setPassword(db: Queries, id: string, passwordHash: string): Promise<void> {
  await db.update(people).set({ passwordHash }).where(eq(people.id, id));
}

export async function setDisabled(db: Queries, id: string, at: MediaTime): Promise<void> {
  await db.update(people).set({ disabledAt: at }).where(eq(people.id, id));
}

/** Ends a person's links and sessions, except one session. */
export async function endSessions(db: Queries, personId: string, keptHash: string | null): Promise<void> {
  const isOther = keptHash === null ? undefined : ne(sessions.tokenHash, keptHash);
  await db.delete(sessions).where(and(eq(sessions.personId, personId), isOther));
  await db.delete(signInLinks).where(eq(signInLinks.personId, personId));
}

/** A session that still holds, with its person; null where there is none or the person was disabled. */
export async function findSession(
  db: Queries,
  tokenHash: string,
  now: MediaTime,
): Promise<{ person: PersonRow; createdAt: number; expiresAt: number } | null> {
  const rows = await db
    .select({ ...personColumns, createdAt: sessions.createdAt, expiresAt: sessions.expiresAt })
    .from(sessions)
    .innerJoin(people, eq(people.id, sessions.personId))
    .innerJoin(units, eq(units.id, people.unitId))
    .where(and(eq(sessions.tokenHash, tokenHash), gt(sessions.expiresAt, now), isNull(people.disabledAt)));
  if (rows[0] === undefined) return null;
  const { createdAt, expiresAt, ...person } = rows[0];
  return { person, createdAt, expiresAt };
}

/** Marks a link as used and tells whose it is. One statement: of two uses at once only one gets the row. */
export async function useLink(db: Queries, tokenHash: string, now: MediaTime): Promise<string | null> {
  const isFresh = and(isNull(signInLinks.usedAt), gt(signInLinks.expiresAt, now));
  const rows = await db
    .update(signInLinks)
    .set({ usedAt: now })
    .where(and(eq(signInLinks.tokenHash, tokenHash), isFresh))
    .returning({ personId: signInLinks.personId });
  return rows[0]?.personId ?? null;
}

/** Removes what can no longer be used. */
export async function prune(db: Queries, now: MediaTime): Promise<void> {
  await db.delete(sessions).where(lt(sessions.expiresAt, now));
  await db.delete(signInLinks).where(or(lt(signInLinks.expiresAt, now), gt(signInLinks.usedAt, 0)));
}
