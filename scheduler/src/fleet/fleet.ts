/** The receivers, as the console's server and the receivers' own routes see them. */
import { LoaLangError, type DeviceSettings, type Person } from '@loalang/shared';
import type { Changes } from '../changes/index.ts';
import type { Db } from '../database/index.ts';
import type { PlatformKey } from '../keys/index.ts';
import type { Outbox } from '../link/index.ts';
import type { Planning } from '../planning/index.ts';
import { signTime, type Clock } from '../time/index.ts';
import type { Units } from '../units/index.ts';
import * as repository from './device-repository.ts';
import type { Identities } from './identities.ts';
import type { ListenAnswer, Listening, ListenRequest } from './listening.ts';
import type { RevokedList } from './revoked-list.ts';

export interface FleetParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly timeKey: PlatformKey;
  readonly units: Units;
  readonly identities: Identities;
  readonly listening: Listening;
  readonly revoked: RevokedList;
  readonly planning: Planning;
  readonly outbox: Outbox;
  readonly changes: Changes;
}

export class Fleet {
  readonly #parts: FleetParts;

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  /** The receiver that shows this credential and token (each token works once), or null. */
  async identify(credential: string, token: string): Promise<string | null> {
    return await this.#parts.identities.identify(credential, token);
  }

  /** JWS by the time key: what a receiver needs before it can sign in. */
  async signedTime(nonce: string): Promise<string> {
    return await signTime(nonce, this.#parts.clock, this.#parts.timeKey);
  }

  /** Is this asset one that the receiver still has to play? */
  async mayFetchAsset(deviceId: string, sha256: string): Promise<boolean> {
    return await repository.hasAsset(this.#parts.db, deviceId, sha256, this.#parts.clock.now());
  }

  /** Sets a receiver up; what it has to know goes out with its next plan. Throws NOT_FOUND. */
  async change(person: Person, deviceId: string, settings: DeviceSettings): Promise<DeviceSettings> {
    const { db, planning, outbox, changes } = this.#parts;
    await this.#assertOwn(person, deviceId);
    await db.transaction(async (tx) => {
      await repository.saveSettings(tx, deviceId, settings);
      await planning.replan(tx, [deviceId]);
    });
    outbox.kick();
    changes.notify();
    return settings;
  }

  /** Asks a receiver for what it played, and waits for it. Throws NOT_FOUND, DEVICE_OFFLINE or DEVICE_SILENT. */
  async listen(person: Person, deviceId: string, wanted: ListenRequest): Promise<ListenAnswer> {
    await this.#assertOwn(person, deviceId);
    return await this.#parts.listening.listen(deviceId, wanted);
  }

  /** Takes in what a listen command asked for; false where nobody asked this receiver for it. */
  takeRecording(deviceId: string, commandId: string, bytes: Buffer): boolean {
    return this.#parts.listening.takeRecording(deviceId, commandId, bytes);
  }

  /** Ogg Opus, for a minute after it came; null afterwards, and for receivers of others. */
  async recording(person: Person, id: string): Promise<Buffer | null> {
    const recording = this.#parts.listening.recording(id);
    if (recording === null) return null;
    const own = await this.#parts.units.ofPerson(person);
    return own.has(recording.unitId) ? recording.bytes : null;
  }

  /** Shuts a receiver out for good: at the broker, and here. */
  async revoke(deviceId: string): Promise<void> {
    await this.#parts.revoked.add(deviceId);
    this.#parts.outbox.publishRevoked();
  }
  async #assertOwn(person: Person, deviceId: string): Promise<void> {
    const unitId = await repository.findUnitOf(this.#parts.db, deviceId);
    if (unitId === null) throw new LoaLangError('NOT_FOUND');
    await this.#parts.units.assertWithin(person, [unitId]);
  }
}
