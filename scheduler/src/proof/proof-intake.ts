/**
 * Takes in the proofs of receivers: verified by the receiver's own key, stored as they are, committed before they are
 * acknowledged. Nothing signed is ever turned away for breaking its chain: a gap or a fork is stored and said.
 */
import { createHash } from 'node:crypto';
import { deviceTopic, proofSchema, type Proof, type ProofAck } from '@loalang/shared';
import { readPublicKey, signJws, verifyJws } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import type { Changes } from '../changes/index.ts';
import type { Db } from '../database/index.ts';
import { deviceRepository } from '../fleet/index.ts';
import type { PlatformKey } from '../keys/index.ts';
import type { Link } from '../link/index.ts';
import type { Clock } from '../time/index.ts';
import * as repository from './proof-repository.ts';

export interface ProofIntakeParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly planKey: PlatformKey;
  readonly link: Pick<Link, 'publish'>;
  readonly changes: Changes;
  readonly log: Logger;
}

type Arrival = 'new' | 'known' | 'fork';

export class ProofIntake {
  readonly #parts: ProofIntakeParts;

  constructor(parts: ProofIntakeParts) {
    this.#parts = parts;
  }

  async take(deviceId: string, payload: Buffer): Promise<void> {
    const { db, log, changes } = this.#parts;
    const device = await deviceRepository.findJoined(db, deviceId);
    if (device === null) return;
    const jws = payload.toString('utf8');
    const verified = await verifyJws(jws, readPublicKey(device.publicKey), proofSchema);
    if (!verified.ok || verified.payload.device !== deviceId) {
      log.warn({ deviceId, reason: verified.ok ? 'wrong-device' : verified.reason }, 'refused a proof');
      return;
    }
    const proof = verified.payload;
    const arrival = await this.#store(jws, proof);
    if (arrival !== 'known') changes.notify();
    if (await this.#mayAcknowledge(proof, arrival)) await this.#acknowledge(proof);
  }

  async #store(jws: string, proof: Proof): Promise<Arrival> {
    const { db, clock, log } = this.#parts;
    const { device: deviceId, chain, seq } = proof;
    const row = { deviceId, chain, jws, body: proof, receivedAt: clock.now() };
    return await db.transaction(async (tx) => {
      if (await repository.addProof(tx, row)) {
        await this.#lookBack(tx, proof);
        return 'new';
      }
      if ((await repository.findProof(tx, deviceId, chain, seq)) === jws) return 'known';
      // Two different proofs of one number: the second is kept under a chain name that no receiver can choose.
      const isNew = await repository.addProof(tx, { ...row, chain: `${chain}~${hashOf(jws)}` });
      if (isNew) log.error({ deviceId, chain, seq }, 'a chain of proofs forks: both proofs are kept');
      return isNew ? 'fork' : 'known';
    });
  }

  /** Says so where a proof does not follow the one before it. */
  async #lookBack(tx: Db, { device: deviceId, chain, seq, previous }: Proof): Promise<void> {
    const { log } = this.#parts;
    if (seq === 1) {
      if (previous !== '')
        log.error({ deviceId, chain }, 'a chain of proofs names something before its first');
      return;
    }
    const before = await repository.findProof(tx, deviceId, chain, seq - 1);
    if (before === null) log.warn({ deviceId, chain, seq }, 'a chain of proofs has a gap before this one');
    else if (hashOf(before) !== previous) {
      log.error({ deviceId, chain, seq }, 'a proof names another one before it than is kept');
    }
  }

  /**
   * An acknowledgement says that everything up to the number is committed, and the receiver then forgets it. After a
   * gap it is given only when the proof comes again: then the receiver has begun again at its oldest, so what is
   * missing below no longer exists there.
   */
  async #mayAcknowledge({ device, chain, seq }: Proof, arrival: Arrival): Promise<boolean> {
    return arrival !== 'new' || (await repository.isWholeUpTo(this.#parts.db, device, chain, seq));
  }

  async #acknowledge({ device, chain, seq }: Proof): Promise<void> {
    const { planKey, link, log } = this.#parts;
    const ack: ProofAck = { type: 'proof-ack', device, chain, seq };
    const jws = await signJws(ack, planKey.key, planKey.certificate);
    try {
      await link.publish(deviceTopic(device, 'proof/ack'), jws, { isRetained: false });
    } catch (error) {
      log.debug(
        { err: error, device },
        'an acknowledgement did not go out; the receiver sends its proof again',
      );
    }
  }
}

/** SHA-256, base64url: how a proof names the one before it. */
function hashOf(jws: string): string {
  return createHash('sha256').update(jws).digest('base64url');
}
