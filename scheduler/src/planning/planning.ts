/**
 * Gives receivers new revisions of their plan and of their state of the moment, in the transaction that changes what
 * they are made of. The row is locked, so two changes get two numbers and the later state has the higher one.
 */
import {
  addMs,
  MAX_ACOUSTIC_OFFSET_MS,
  nowSchema,
  planSchema,
  type LiveStream,
  type MediaTime,
  type Policy,
  type Revision,
} from '@loalang/shared';
import { readSignatureHeader, signJws } from '@loalang/shared/signing';
import type { z } from 'zod';
import type { Db } from '../database/index.ts';
import type { PlatformKey, PlatformKeys } from '../keys/index.ts';
import type { Clock } from '../time/index.ts';
import { isNowChanged, nowDevice } from './now-device.ts';
import { isPlanChanged, planDevice } from './plan-device.ts';
import * as repository from './planning-repository.ts';

export interface PlanningParts {
  readonly keys: PlatformKeys;
  readonly clock: Clock;
  readonly epoch: number;
  /** The policy in force at each of these units. */
  policiesOf(db: Db, unitIds: readonly string[]): Promise<ReadonlyMap<string, Policy>>;
  /** The announcement of a live broadcast, while it is on air. */
  announcementOf(broadcastId: string): LiveStream | null;
}

/** As far back as a stop is looked for; `nowDevice` decides how long it is told. */
const STOPS_SINCE_MS = 60_000;
/** So many receivers in one transaction when all are looked at. */
const CHUNK = 500;

export class Planning {
  readonly #parts: PlanningParts;

  constructor(parts: PlanningParts) {
    this.#parts = parts;
  }

  /** Makes the plans of these receivers again; only those whose content changed get a new revision. Returns their ids. */
  async replan(tx: Db, deviceIds: readonly string[]): Promise<string[]> {
    if (deviceIds.length === 0) return [];
    const { clock, keys, epoch } = this.#parts;
    const devices = await repository.lockDevices(tx, deviceIds);
    const now = clock.now();
    const endsAfter = addMs(now, -MAX_ACOUSTIC_OFFSET_MS);
    const planned = groupByDevice(await repository.listPlanned(tx, deviceIds, endsAfter));
    const policies = await this.#parts.policiesOf(tx, [...new Set(devices.map(({ unitId }) => unitId))]);
    const signing: Promise<repository.SignedState>[] = [];
    for (const { id, unitId, acousticOffsetMs, planN, planJws } of devices) {
      const policy = policies.get(unitId);
      if (policy === undefined) throw new TypeError(`no policy for unit ${unitId}`);
      const wanted = planDevice({ broadcasts: planned.get(id) ?? [], policy, acousticOffsetMs, now });
      const held = heldState(planJws, planSchema, keys.plan, epoch);
      if (!isPlanChanged(held, wanted, now)) continue;
      const revision = { epoch, n: planN + 1 };
      const plan = { type: 'plan', device: id, revision, issuedAt: now, ...wanted };
      signing.push(signState(plan, keys.plan));
    }
    const states = await Promise.all(signing);
    if (states.length > 0) await repository.savePlans(tx, states);
    return states.map(({ id }) => id);
  }

  /** Makes the states of the moment of these receivers again, likewise. */
  async renewNow(tx: Db, deviceIds: readonly string[]): Promise<string[]> {
    if (deviceIds.length === 0) return [];
    const { clock, keys, epoch } = this.#parts;
    const devices = await repository.lockDevices(tx, deviceIds);
    const now = clock.now();
    const streams = groupByDevice(await this.#announcements(tx, deviceIds, now));
    const stopped = groupByDevice(await repository.listStopped(tx, deviceIds, addMs(now, -STOPS_SINCE_MS)));
    const signing: Promise<repository.SignedState>[] = [];
    for (const { id, volume, isMuted, nowN, nowJws } of devices) {
      const wanted = nowDevice({
        streams: (streams.get(id) ?? []).map(({ stream }) => stream),
        stopped: stopped.get(id) ?? [],
        volume,
        isMuted,
        certificates: [keys.time.certificate],
        now,
      });
      if (!isNowChanged(heldState(nowJws, nowSchema, keys.air, epoch), wanted)) continue;
      const revision = { epoch, n: nowN + 1 };
      const state = { type: 'now', device: id, revision, issuedAt: now, ...wanted };
      signing.push(signState(state, keys.air));
    }
    const states = await Promise.all(signing);
    if (states.length > 0) await repository.saveNows(tx, states);
    return states.map(({ id }) => id);
  }

  /** Looks at every receiver: after a start, a change of policy or a renewed key. */
  async refreshAll(db: Db): Promise<void> {
    const ids = await repository.listDeviceIds(db);
    for (let start = 0; start < ids.length; start += CHUNK) {
      const chunk = ids.slice(start, start + CHUNK);
      await db.transaction(async (tx) => {
        await this.replan(tx, chunk);
        await this.renewNow(tx, chunk);
      });
    }
  }

  async #announcements(
    tx: Db,
    deviceIds: readonly string[],
    now: MediaTime,
  ): Promise<{ deviceId: string; stream: LiveStream }[]> {
    const rows = await repository.listOnAir(tx, deviceIds, now);
    return rows.flatMap(({ deviceId, broadcastId }) => {
      const stream = this.#parts.announcementOf(broadcastId);
      return stream === null ? [] : [{ deviceId, stream }];
    });
  }
}

async function signState(
  state: { readonly device: string; readonly revision: Revision },
  { key, certificate }: PlatformKey,
): Promise<repository.SignedState> {
  return { id: state.device, n: state.revision.n, jws: await signJws(state, key, certificate) };
}

/** What a row holds, by our own signature of before; null where it has to be signed again in any case. */
function heldState<T extends { revision: Revision }>(
  jws: string | null,
  stateSchema: z.ZodType<T>,
  { key }: PlatformKey,
  epoch: number,
): T | null {
  if (jws === null || readSignatureHeader(jws)?.kid !== key.kid) return null;
  const payload: unknown = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'));
  // What an older version of the platform has signed may lack what the schema asks for today.
  const state = stateSchema.safeParse(payload).data ?? null;
  return state?.revision.epoch === epoch ? state : null;
}

function groupByDevice<T extends { deviceId: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.deviceId);
    if (group === undefined) groups.set(row.deviceId, [row]);
    else group.push(row);
  }
  return groups;
}
