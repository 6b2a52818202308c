import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { broadcastIdSchema, deviceIdSchema, lineSchema, prioritySchema } from '../messages/ids.ts';
import { missedReasons } from '../messages/proof.ts';
import { clockStateSchema, faultSchema } from '../messages/status.ts';
import { timeAlarmSchema } from './health.ts';

export const audioIdSchema = z.uuid();
export const audioSchema = z.object({
  id: audioIdSchema,
  title: z.string(),
  durationMs: z.number().int(),
  /** Loudness of the file as it came, LUFS; null where it was too short or too quiet to measure. */
  originalLufs: z.number().nullable(),
  /** Largest absolute sample of each of 200 equal parts, 0 to 1: the waveform. */
  peaks: z.array(z.number().min(0).max(1)),
  createdAt: mediaTimeSchema,
  createdBy: z.string(),
});
export type Audio = z.infer<typeof audioSchema>;

/** What one loudspeaker did with one broadcast: a square of the woven row. */
export const cellStateSchema = z.enum([
  'waiting',
  'cached',
  'playing',
  'played',
  'partial',
  'missed',
  'unconfirmed',
]);
export type CellState = z.infer<typeof cellStateSchema>;

export const broadcastSchema = z.object({
  id: broadcastIdSchema,
  kind: z.enum(['file', 'live']),
  title: z.string(),
  priority: prioritySchema,
  startAt: mediaTimeSchema,
  /** Planned end; of a live broadcast that still runs: the end of its time box. */
  endAt: mediaTimeSchema,
  /** When it was stopped by hand, or the live speaker finished; null where neither happened. */
  stoppedAt: mediaTimeSchema.nullable(),
  audioId: audioIdSchema.nullable(),
  createdBy: z.string(),
  /** Names of the units that were chosen. */
  places: z.array(z.string()),
  cells: z.array(z.object({ deviceId: deviceIdSchema, state: cellStateSchema })),
});
export type Broadcast = z.infer<typeof broadcastSchema>;

/** One row of the receipt matrix. */
export const receiptSchema = z.object({
  deviceId: deviceIdSchema,
  state: cellStateSchema,
  isPlanned: z.boolean(),
  isCached: z.boolean(),
  startedAt: mediaTimeSchema.nullable(),
  endedAt: mediaTimeSchema.nullable(),
  playedMs: z.number().int(),
  missedMs: z.number().int(),
  concealedMs: z.number().int(),
  reason: z.enum(missedReasons).nullable(),
  levelDbfs: z.number().nullable(),
  amplifierA: z.number().nullable(),
});
export type Receipt = z.infer<typeof receiptSchema>;
export const broadcastDetailSchema = broadcastSchema.extend({
  receipts: z.array(receiptSchema),
  audioSha256: z.string().nullable(),
  createdAt: mediaTimeSchema,
});
export type BroadcastDetail = z.infer<typeof broadcastDetailSchema>;

/** Send a library file to everything below some units, now (startAt null) or at a time. */
export const newBroadcastSchema = z.object({
  audioId: audioIdSchema,
  title: lineSchema(200).min(1),
  unitIds: z.array(z.string()).max(500),
  startAt: mediaTimeSchema.nullable(),
  priority: z.enum(['normal', 'priority']),
});
export type NewBroadcast = z.infer<typeof newBroadcastSchema>;

export const deviceStateSchema = z.enum(['playing', 'ready', 'offline', 'no-clock', 'fault', 'never-seen']);
export type DeviceState = z.infer<typeof deviceStateSchema>;

export const deviceSchema = z.object({
  id: deviceIdSchema,
  unitId: z.string(),
  unitName: z.string(),
  /** Number within its unit, as painted on the pole. */
  number: z.number().int(),
  name: z.string(),
  state: deviceStateSchema,
  /** Since when the state holds. */
  since: mediaTimeSchema.nullable(),
  lastSeenAt: mediaTimeSchema.nullable(),
  playing: z.object({ broadcastId: broadcastIdSchema, title: z.string() }).nullable(),
  clock: z.object({ state: clockStateSchema, uncertaintyUs: z.number().nullable() }).nullable(),
  network: z.enum(['lan', '4g', 'wifi']).nullable(),
  signalBars: z.number().int().nullable(),
  volume: z.number().int().nullable(),
  acousticOffsetMs: z.number().int(),
  temperatureC: z.number().nullable(),
  faults: z.array(faultSchema),
  refusedCount: z.number().int(),
});
export type Device = z.infer<typeof deviceSchema>;

/** All that "Hôm nay" and "Cụm loa" show, of one person's units; sent whole at each change. */
export const todaySchema = z.object({
  at: mediaTimeSchema,
  devices: z.array(deviceSchema),
  /** From the start of today (local time) to seven days ahead, by start. */
  broadcasts: z.array(broadcastSchema),
  /** What is wrong with the platform's own time; the console shows it to administrators. */
  timeAlarms: z.array(timeAlarmSchema),
  /** Until when no codes of receivers are taken, since too many were wrong; shown to administrators. Null: they are. */
  codesLockedUntil: mediaTimeSchema.nullable(),
});
export type Today = z.infer<typeof todaySchema>;

export const stopAnswerSchema = z.object({
  stopped: z.array(broadcastIdSchema),
  deviceCount: z.number().int(),
});

/** Ask a receiver for what it played from a moment on (null: the newest). */
export const listenSchema = z.object({
  from: mediaTimeSchema.nullable(),
  durationMs: z.number().int().min(200).max(10_000),
});
/** The sound waits at GET /api/recordings/{id} (Ogg Opus) for a minute. */
export const listenAnswerSchema = z.object({
  id: z.string(),
  from: mediaTimeSchema,
  durationMs: z.number().int(),
});
