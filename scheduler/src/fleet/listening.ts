/** Listening to a receiver: a signed command asks it for what it played, it brings that by HTTP. */
import { randomBytes } from 'node:crypto';
import {
  addMs,
  commandResultSchema,
  deviceTopic,
  LoaLangError,
  type Command,
  type MediaTime,
} from '@loalang/shared';
import { readPublicKey, signJws, verifyJws } from '@loalang/shared/signing';
import type { Db } from '../database/index.ts';
import type { PlatformKey } from '../keys/index.ts';
import type { Link } from '../link/index.ts';
import type { Clock } from '../time/index.ts';
import * as repository from './device-repository.ts';
import { isSilent } from './device-state.ts';
import { Recordings } from './recordings.ts';

export interface ListenRequest {
  /** Null: the newest. */
  readonly from: MediaTime | null;
  readonly durationMs: number;
}

export interface ListenAnswer {
  readonly id: string;
  readonly from: MediaTime;
  readonly durationMs: number;
}

interface Pending {
  readonly deviceId: string;
  readonly unitId: string;
  readonly settle: (outcome: 'arrived' | 'silent') => void;
}

export interface ListeningParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly airKey: PlatformKey;
  readonly link: Link;
}

const WAIT_MS = 8_000;
const MAX_PENDING = 64;
/** What sounded so shortly ago may not have left the receiver's sound card yet. */
const NEWEST_AGE_MS = 300;

export class Listening {
  readonly #parts: ListeningParts;
  readonly #pending = new Map<string, Pending>();
  readonly #recordings = new Recordings();

  constructor(parts: ListeningParts) {
    this.#parts = parts;
  }

  /** Asks a receiver and waits for its sound. Throws DEVICE_OFFLINE or DEVICE_SILENT. */
  async listen(deviceId: string, wanted: ListenRequest): Promise<ListenAnswer> {
    const { db, clock, link } = this.#parts;
    const device = await repository.findJoined(db, deviceId);
    const isOffline = device === null || isSilent(device.lastSeenAt, clock.now()) || !link.isUp;
    if (isOffline) throw new LoaLangError('DEVICE_OFFLINE');
    if (this.#pending.size >= MAX_PENDING) {
      throw new LoaLangError('TOO_MANY_REQUESTS', { seconds: WAIT_MS / 1000 });
    }
    const { durationMs } = wanted;
    const from = wanted.from ?? addMs(clock.now(), -durationMs - NEWEST_AGE_MS);
    // A receiver that doesn't know the time can't look for a moment: it sends its newest.
    const asked = device.status?.clock.state === 'none' ? null : from;
    const id = randomBytes(16).toString('hex');
    const command = await this.#sign(deviceId, id, { from: asked, durationMs });
    await this.#ask(command, id, { deviceId, unitId: device.unitId });
    return { id, from, durationMs };
  }

  /** Takes in what a receiver brings; false where nobody waits for it. */
  takeRecording(deviceId: string, commandId: string, bytes: Buffer): boolean {
    const pending = this.#pending.get(commandId);
    if (pending?.deviceId !== deviceId) return false;
    if (bytes.subarray(0, 4).toString('latin1') !== 'OggS') return false;
    this.#recordings.put(commandId, { unitId: pending.unitId, bytes }, this.#parts.clock.now());
    pending.settle('arrived');
    return true;
  }

  recording(id: string): { unitId: string; bytes: Buffer } | null {
    return this.#recordings.get(id, this.#parts.clock.now());
  }

  /** A receiver says how a command went; a failed one need not be waited for any longer. */
  async takeResult(deviceId: string, payload: Buffer): Promise<void> {
    const device = await repository.findJoined(this.#parts.db, deviceId);
    if (device === null) return;
    const key = readPublicKey(device.publicKey);
    const result = await verifyJws(payload.toString('utf8'), key, commandResultSchema);
    if (!result.ok || result.payload.device !== deviceId || result.payload.outcome !== 'failed') return;
    const pending = this.#pending.get(result.payload.id);
    if (pending?.deviceId === deviceId) pending.settle('silent');
  }

  /** Lets nobody wait any longer. */
  close(): void {
    for (const { settle } of this.#pending.values()) settle('silent');
  }

  async #sign(deviceId: string, id: string, wanted: ListenRequest): Promise<string> {
    const now = this.#parts.clock.now();
    const command: Command = {
      type: 'command',
      device: deviceId,
      id,
      issuedAt: now,
      expiresAt: addMs(now, WAIT_MS),
      act: { kind: 'listen', ...wanted },
    };
    return await signJws(command, this.#parts.airKey.key, this.#parts.airKey.certificate);
  }

  async #ask(command: string, id: string, target: { deviceId: string; unitId: string }): Promise<void> {
    const { clock, link } = this.#parts;
    const topic = deviceTopic(target.deviceId, 'cmd');
    const outcome = await new Promise<'arrived' | 'silent'>((resolve) => {
      const timer = clock.after(WAIT_MS, () => settle('silent'));
      const settle = (how: 'arrived' | 'silent'): void => {
        timer.cancel();
        this.#pending.delete(id);
        resolve(how);
      };
      this.#pending.set(id, { ...target, settle });
      link.publish(topic, command, { isRetained: false }).catch(() => settle('silent'));
    });
    if (outcome === 'silent') throw new LoaLangError('DEVICE_SILENT');
  }
}
