import type { Policy, Proof, Status } from '@loalang/shared';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
  type AnyPgColumn,
} from 'drizzle-orm/pg-core';

/** A media time: microseconds since 1970, exact in a double until 2255. */
const instant = (name: string) => bigint(name, { mode: 'number' });

/** The tree of places. No level is wired in: Vietnam abolished its district tier in 2025. */
export const units = pgTable('units', {
  id: text('id').primaryKey(),
  parentId: text('parent_id').references((): AnyPgColumn => units.id),
  kind: text('kind', { enum: ['province', 'district', 'town', 'commune', 'village', 'group'] }).notNull(),
  name: text('name').notNull(),
  position: integer('position').notNull().default(0),
  /** Null: inherited from the parent. */
  policy: jsonb('policy').$type<Policy>(),
});

export const people = pgTable('people', {
  id: uuid('id').primaryKey().defaultRandom(),
  username: text('username').notNull().unique(),
  name: text('name').notNull(),
  role: text('role', { enum: ['operator', 'administrator'] }).notNull(),
  unitId: text('unit_id')
    .notNull()
    .references(() => units.id),
  /** argon2id, PHC string; null until a password is chosen. */
  passwordHash: text('password_hash'),
  createdAt: instant('created_at').notNull(),
  disabledAt: instant('disabled_at'),
});

/** Sessions and sign-in links are kept as hashes: who reads the database can't use them. */
export const sessions = pgTable('sessions', {
  tokenHash: text('token_hash').primaryKey(),
  personId: uuid('person_id')
    .notNull()
    .references(() => people.id),
  createdAt: instant('created_at').notNull(),
  expiresAt: instant('expires_at').notNull(),
});

export const signInLinks = pgTable('sign_in_links', {
  tokenHash: text('token_hash').primaryKey(),
  personId: uuid('person_id')
    .notNull()
    .references(() => people.id),
  expiresAt: instant('expires_at').notNull(),
  usedAt: instant('used_at'),
});

/**
 * A receiver: its place, the key of the board that stands there, and the two signed states it should hold. A state is
 * signed in the transaction that changes it and published after the commit; where `published` lags behind `n`, it is
 * still to be published. So the row is the outbox, and what a crash leaves behind is sent at the next start.
 */
export const devices = pgTable(
  'devices',
  {
    id: text('id').primaryKey(),
    unitId: text('unit_id')
      .notNull()
      .references(() => units.id),
    number: integer('number').notNull(),
    name: text('name').notNull(),
    /** Of sample places alone: the code with which their simulated boards come. Null once used. */
    joinCode: text('join_code').unique(),
    publicKey: text('public_key'),
    model: text('model'),
    serial: text('serial'),
    joinedAt: instant('joined_at'),
    /** When it was taken out of service. The row stays for what it proved; its number is free again. */
    retiredAt: instant('retired_at'),
    volume: integer('volume').notNull().default(100),
    isMuted: boolean('is_muted').notNull().default(false),
    /** How much later than media time says it sounds; part of its plan. */
    acousticOffsetMs: integer('acoustic_offset_ms').notNull().default(0),
    planN: integer('plan_n').notNull().default(0),
    planJws: text('plan_jws'),
    planPublishedN: integer('plan_published_n').notNull().default(0),
    nowN: integer('now_n').notNull().default(0),
    nowJws: text('now_jws'),
    nowPublishedN: integer('now_published_n').notNull().default(0),
    lastSeenAt: instant('last_seen_at'),
    /** The newest authenticated status. */
    status: jsonb('status').$type<Status>(),
  },
  (table) => [
    uniqueIndex()
      .on(table.unitId, table.number)
      .where(sql`${table.retiredAt} is null`),
  ],
);

/**
 * Boards that wait for a person, one row a code: the first key that shows a code has it, and nobody else gets it while the
 * row lasts, however it ended. Anybody may put rows here, so their number is bounded.
 */
export const waitingBoards = pgTable('waiting_boards', {
  code: text('code').primaryKey(),
  key: text('key').notNull(),
  model: text('model').notNull(),
  serial: text('serial'),
  address: text('address').notNull(),
  state: text('state', { enum: ['waiting', 'used', 'shared'] }).notNull(),
  heardAt: instant('heard_at').notNull(),
  expiresAt: instant('expires_at').notNull(),
});

/** Boards that stood for a receiver once, by their keys: what one of them is told when it comes back. */
export const formerBoards = pgTable('former_boards', {
  key: text('key').primaryKey(),
  deviceId: text('device_id')
    .notNull()
    .references(() => devices.id),
  model: text('model'),
  serial: text('serial'),
  reason: text('reason', { enum: ['replaced', 'retired'] }).notNull(),
  endedAt: instant('ended_at').notNull(),
  endedBy: uuid('ended_by')
    .notNull()
    .references(() => people.id),
  /** When it signed that it forgets everything. */
  wipedAt: instant('wiped_at'),
});

/** The library: what was uploaded, as one kind of file (Ogg Opus, 48 kHz mono) kept under its SHA-256. */
export const audio = pgTable('audio', {
  id: uuid('id').primaryKey().defaultRandom(),
  title: text('title').notNull(),
  sha256: text('sha256').notNull(),
  bytes: integer('bytes').notNull(),
  durationMs: integer('duration_ms').notNull(),
  originalLufs: doublePrecision('original_lufs'),
  peaks: jsonb('peaks').$type<number[]>().notNull(),
  createdAt: instant('created_at').notNull(),
  createdBy: uuid('created_by')
    .notNull()
    .references(() => people.id),
});

/** One thing said to some receivers, from a file or live. */
export const broadcasts = pgTable(
  'broadcasts',
  {
    id: text('id').primaryKey(),
    kind: text('kind', { enum: ['file', 'live'] }).notNull(),
    title: text('title').notNull(),
    priority: text('priority', { enum: ['normal', 'priority', 'emergency'] }).notNull(),
    startAt: instant('start_at').notNull(),
    endAt: instant('end_at').notNull(),
    stoppedAt: instant('stopped_at'),
    audioId: uuid('audio_id').references(() => audio.id),
    /** The units that were chosen; what they held then is in broadcast_devices. */
    unitIds: jsonb('unit_ids').$type<string[]>().notNull(),
    createdAt: instant('created_at').notNull(),
    createdBy: uuid('created_by')
      .notNull()
      .references(() => people.id),
  },
  (table) => [index().on(table.endAt)],
);

export const broadcastDevices = pgTable(
  'broadcast_devices',
  {
    broadcastId: text('broadcast_id')
      .notNull()
      .references(() => broadcasts.id),
    deviceId: text('device_id')
      .notNull()
      .references(() => devices.id),
    /** When the receiver first reported the audio checked and on disk. */
    cachedAt: instant('cached_at'),
    /** When it was stopped by hand for this receiver: a commune may silence its own part of a district's broadcast. */
    stoppedAt: instant('stopped_at'),
  },
  (table) => [primaryKey({ columns: [table.broadcastId, table.deviceId] }), index().on(table.deviceId)],
);

/** What receivers have proved, as they signed it. Rows are only ever added. */
export const proofs = pgTable(
  'proofs',
  {
    deviceId: text('device_id')
      .notNull()
      .references(() => devices.id),
    chain: text('chain').notNull(),
    seq: integer('seq').notNull(),
    broadcastId: text('broadcast_id').notNull(),
    jws: text('jws').notNull(),
    body: jsonb('body').$type<Proof>().notNull(),
    receivedAt: instant('received_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.deviceId, table.chain, table.seq] }),
    index().on(table.broadcastId),
  ],
);

/** Single values of the platform: the epoch of its revisions, the version of the list of revoked ids. */
export const platformState = pgTable('platform_state', {
  key: text('key').primaryKey(),
  value: bigint('value', { mode: 'number' }).notNull(),
});
