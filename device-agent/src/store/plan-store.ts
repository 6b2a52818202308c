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
import { readSignatureHeader, type TrustStore } from '@loalang/shared/signing';
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

interface HeldMessageOptions<T> {
  readonly path: string;
  readonly trust: TrustStore;
  readonly purpose: 'plan' | 'air';
  readonly schema: z.ZodType<T>;
  readonly onUnkept: (error: unknown) => void;
}

/**
 * The newest signed message of one kind that this receiver holds: verified when loaded, on the disk before it counts.
 * Where the disk takes none it counts all the same, or a stop would not be obeyed; it is kept when it comes again.
 */
export class HeldMessage<T extends Addressed> {
  readonly #path: string;
  readonly #trust: TrustStore;
  readonly #purpose: 'plan' | 'air';
  readonly #schema: z.ZodType<T>;
  readonly #onUnkept: (error: unknown) => void;
  #held: T | null = null;
  /** The key that signed it. */
  #heldBy = '';
  #isKept = true;

  constructor(options: HeldMessageOptions<T>) {
    this.#path = options.path;
    this.#trust = options.trust;
    this.#purpose = options.purpose;
    this.#schema = options.schema;
    this.#onUnkept = options.onUnkept;
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
    this.#heldBy = signerOf(kept.jws);
    return this.#held;
  }

  /** Verifies a message and keeps it if it is newer than the held one. Refuses without a known time. */
  async take(jws: string, deviceId: string, now: MediaTime | null): Promise<TakeResult<T>> {
    if (now === null) return { ok: false, reason: 'stale' };
    const verified = await this.#verify(jws, deviceId, now);
    if (!verified.ok) return verified;
    const { payload } = verified;
    const order = this.#compareWithHeld(payload);
    if (order < 0) return { ok: false, reason: 'stale' };
    // A retained message comes again with every connection.
    if (order !== 0 || !this.#isKept) await this.#keep(JSON.stringify({ jws, keptAt: now }));
    if (order === 0) return { ok: true, value: { kind: 'known' } };
    this.#held = payload;
    this.#heldBy = signerOf(jws);
    return { ok: true, value: { kind: 'taken', payload } };
  }

  /** Anything is newer than what a thief has signed, who can number as high as they like. */
  #compareWithHeld({ revision }: T): number {
    if (this.#held === null || this.#trust.isRetired(this.#heldBy)) return 1;
    return compareRevisions(revision, this.#held.revision);
  }

  async #keep(text: string): Promise<void> {
    try {
      await writeAtomically(this.#path, text);
      this.#isKept = true;
    } catch (error) {
      this.#isKept = false;
      this.#onUnkept(error);
    }
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

function signerOf(jws: string): string {
  return readSignatureHeader(jws)?.kid ?? '';
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
export function heldPlan(
  folder: string,
  trust: TrustStore,
  onUnkept: (error: unknown) => void,
): HeldMessage<Plan> {
  return new HeldMessage({
    path: join(folder, 'plan.json'),
    trust,
    purpose: 'plan',
    schema: planSchema,
    onUnkept,
  });
}

/** The held state of the moment, signed by an air key: volume, mute and stops outlive a power cut. */
export function heldNow(
  folder: string,
  trust: TrustStore,
  onUnkept: (error: unknown) => void,
): HeldMessage<Now> {
  return new HeldMessage({
    path: join(folder, 'now.json'),
    trust,
    purpose: 'air',
    schema: nowSchema,
    onUnkept,
  });
}
