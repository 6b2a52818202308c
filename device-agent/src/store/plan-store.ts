import { z } from 'zod';
import {
  compactJwsSchema,
  compareRevisions,
  mediaTimeSchema,
  nowSchema,
  planSchema,
  type MediaTime,
  type Now,
  type Plan,
  type RefusalReason,
  type Revision,
} from '@loalang/shared';
import type { TrustStore } from '@loalang/shared/signing';
import { join } from 'node:path';
import { readIfPresent, writeAtomically } from './atomic-file.ts';

/** A signed message as it lies on the disk. Keys are short-lived: it is judged by the time at which it came. */
const keptSchema = z.object({ jws: compactJwsSchema, keptAt: mediaTimeSchema });

export type Taken<T> = { kind: 'taken'; payload: T } | { kind: 'known' };
export type TakeResult<T> = { ok: true; value: Taken<T> } | { ok: false; reason: RefusalReason };

interface Addressed {
  readonly device: string;
  readonly revision: Revision;
}

/** The newest signed message of one kind that this receiver holds: on the disk before it counts, verified when loaded. */
export class HeldMessage<T extends Addressed> {
  readonly #path: string;
  readonly #trust: TrustStore;
  readonly #purpose: 'plan' | 'air';
  readonly #schema: z.ZodType<T>;
  #held: T | null = null;

  constructor(options: { path: string; trust: TrustStore; purpose: 'plan' | 'air'; schema: z.ZodType<T> }) {
    this.#path = options.path;
    this.#trust = options.trust;
    this.#purpose = options.purpose;
    this.#schema = options.schema;
  }

  get held(): T | null {
    return this.#held;
  }

  /** Loads what was kept; null where there is none or where it no longer verifies (it will be sent again). */
  async load(deviceId: string): Promise<T | null> {
    const kept = readKept(await readIfPresent(this.#path));
    if (kept === null) return null;
    const verified = await this.#verify(kept.jws, deviceId, kept.keptAt);
    this.#held = verified.ok ? verified.payload : null;
    return this.#held;
  }

  /** Verifies a message and keeps it if it is newer than the held one. Refuses without a known time. */
  async take(jws: string, deviceId: string, now: MediaTime | null): Promise<TakeResult<T>> {
    if (now === null) return { ok: false, reason: 'stale' };
    const verified = await this.#verify(jws, deviceId, now);
    if (!verified.ok) return verified;
    const { payload } = verified;
    const order = this.#held === null ? 1 : compareRevisions(payload.revision, this.#held.revision);
    if (order < 0) return { ok: false, reason: 'stale' };
    // A retained message comes again with every connection.
    if (order === 0) return { ok: true, value: { kind: 'known' } };
    await writeAtomically(this.#path, JSON.stringify({ jws, keptAt: now }));
    this.#held = payload;
    return { ok: true, value: { kind: 'taken', payload } };
  }

  async #verify(
    jws: string,
    deviceId: string,
    now: MediaTime,
  ): Promise<{ ok: true; payload: T } | { ok: false; reason: RefusalReason }> {
    const verified = await this.#trust.verify(jws, { purpose: this.#purpose, schema: this.#schema, now });
    if (!verified.ok) return verified;
    return verified.payload.device === deviceId ? verified : { ok: false, reason: 'wrong-device' };
  }
}

function readKept(text: string | null): z.infer<typeof keptSchema> | null {
  if (text === null) return null;
  try {
    const parsed = keptSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The held plan, signed by a plan key. */
export function heldPlan(folder: string, trust: TrustStore): HeldMessage<Plan> {
  return new HeldMessage({ path: join(folder, 'plan.json'), trust, purpose: 'plan', schema: planSchema });
}

/** The held state of the moment, signed by an air key: volume, mute and stops outlive a power cut. */
export function heldNow(folder: string, trust: TrustStore): HeldMessage<Now> {
  return new HeldMessage({ path: join(folder, 'now.json'), trust, purpose: 'air', schema: nowSchema });
}
