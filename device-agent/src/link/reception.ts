// What each control message must show before it counts: its signer, its addressee, its age. One method a kind, each
// returning why it was refused, or null.
import {
  clockResponseSchema,
  commandSchema,
  proofAckSchema,
  revokedSchema,
  type ClockResponse,
  type Command,
  type MediaTime,
  type Now,
  type Plan,
  type ProofAck,
  type RefusalReason,
} from '@loalang/shared';
import { readSignatureHeader, type TrustStore } from '@loalang/shared/signing';
import { MAX_COMMANDS, type HeldMessage, type Ledger } from '../store/index.ts';
import type { ControlMessage } from './inbox.ts';

type Verdict = RefusalReason | null;

export interface ReceptionOptions {
  readonly deviceId: string;
  /** Of its own key: another board may have taken its place. */
  readonly kid: string;
  readonly trust: TrustStore;
  readonly ledger: Ledger;
  readonly plan: HeldMessage<Plan>;
  readonly now: HeldMessage<Now>;
  readonly mediaNow: () => MediaTime | null;
  /** Has a nonce-bound signed time come since boot? Before it nothing proves that a command is of now. */
  readonly hasSignedTime: () => boolean;
  readonly onPlan: (plan: Plan) => void;
  readonly onNow: (now: Now) => void;
  readonly onCommand: (command: Command) => void;
  readonly onAck: (ack: ProofAck) => Promise<Verdict>;
  readonly onClockReply: (reply: ClockResponse, receivedUs: number) => Verdict;
  /** A newer list of the revoked: is this receiver on it? */
  readonly onRevoked: (isRevoked: boolean) => void;
}

/** Verifies control messages and hands on what they say. */
export class Reception {
  readonly #options: ReceptionOptions;
  /** Which list of revoked ids was the last, and the key that signed it. */
  #revoked = { version: 0, signedBy: '' };

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Works on one message. Returns why it was refused, or null. */
  async take({ kind, jws, receivedUs }: ControlMessage): Promise<Verdict> {
    switch (kind) {
      case 'plan':
        return this.#takePlan(jws);
      case 'now':
        return this.#takeNow(jws);
      case 'cmd':
        return this.#takeCommand(jws);
      case 'proof/ack':
        return this.#takeAck(jws);
      case 'clock/res':
        return this.#takeClockReply(jws, receivedUs);
      case 'revoked':
        return this.#takeRevoked(jws);
    }
  }

  async #takePlan(jws: string): Promise<Verdict> {
    const { plan, deviceId, mediaNow, onPlan } = this.#options;
    const taken = await plan.take(jws, deviceId, mediaNow());
    if (!taken.ok) return taken.reason;
    if (taken.value.kind === 'taken') onPlan(taken.value.payload);
    return null;
  }

  async #takeNow(jws: string): Promise<Verdict> {
    const { now, deviceId, mediaNow, onNow } = this.#options;
    const taken = await now.take(jws, deviceId, mediaNow());
    if (!taken.ok) return taken.reason;
    if (taken.value.kind === 'known') return null;
    await this.learn(taken.value.payload.certificates);
    onNow(taken.value.payload);
    return null;
  }

  /** Certificates speak for themselves: the root has signed them. */
  async learn(certificates: readonly string[]): Promise<void> {
    for (const certificate of certificates) await this.#options.trust.learn(certificate);
  }

  async #takeCommand(jws: string): Promise<Verdict> {
    const { trust, deviceId, mediaNow, hasSignedTime, onCommand } = this.#options;
    const now = mediaNow();
    if (now === null || !hasSignedTime()) return 'stale';
    const verified = await trust.verify(jws, { purpose: 'air', schema: commandSchema, now });
    if (!verified.ok) return verified.reason;
    const command = verified.payload;
    if (command.device !== deviceId) return 'wrong-device';
    if (command.expiresAt <= now) return 'expired';
    const objection = await this.#rememberCommand(command, now);
    if (objection === null) onCommand(command);
    return objection;
  }

  // On the disk before it is done: a command that a power cut repeats would be done twice.
  async #rememberCommand({ id, expiresAt }: Command, now: MediaTime): Promise<Verdict> {
    const { ledger } = this.#options;
    if (ledger.hasCommand(id)) return 'replayed';
    ledger.forgetCommandsBefore(now);
    if (ledger.commandCount >= MAX_COMMANDS) return 'too-many';
    await ledger.add({ kind: 'command', id, expiresAt });
    return null;
  }

  async #takeAck(jws: string): Promise<Verdict> {
    const { trust, deviceId, mediaNow, onAck } = this.#options;
    const now = mediaNow();
    if (now === null) return 'stale';
    const verified = await trust.verify(jws, { purpose: 'plan', schema: proofAckSchema, now });
    if (!verified.ok) return verified.reason;
    return verified.payload.device === deviceId ? onAck(verified.payload) : 'wrong-device';
  }

  async #takeClockReply(jws: string, receivedUs: number): Promise<Verdict> {
    const { trust, deviceId, mediaNow, onClockReply } = this.#options;
    const verified = await trust.verify(jws, {
      purpose: 'time',
      schema: clockResponseSchema,
      now: mediaNow(),
    });
    if (!verified.ok) return verified.reason;
    return verified.payload.device === deviceId ? onClockReply(verified.payload, receivedUs) : 'wrong-device';
  }

  async #takeRevoked(jws: string): Promise<Verdict> {
    const { trust, deviceId, kid, mediaNow, onRevoked } = this.#options;
    const now = mediaNow();
    if (now === null) return 'stale';
    const verified = await trust.verify(jws, { purpose: 'credential', schema: revokedSchema, now });
    if (!verified.ok) return verified.reason;
    const { version, ids } = verified.payload;
    // Anything is newer than what a thief has signed, who can number as high as they like.
    const isOlder = version < this.#revoked.version && !trust.isRetired(this.#revoked.signedBy);
    if (isOlder) return 'stale';
    this.#revoked = { version, signedBy: readSignatureHeader(jws)?.kid ?? '' };
    onRevoked(ids.includes(deviceId) || ids.includes(kid));
    return null;
  }
}
