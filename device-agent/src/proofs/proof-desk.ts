import { proofSchema, type Proof, type ProofAck, type RefusalReason } from '@loalang/shared';
import { signJws, type SigningKey } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import type { MonotonicClock, Timer } from '../clock/index.ts';
import { pause } from '../link/backoff.ts';
import type { ProofDraft } from '../playout/index.ts';
import { isDiskFull, MAX_PROOFS, type Ledger } from '../store/index.ts';

/** Drafts that wait for the disk: a whole plan that was missed at once. Full: the newest is lost, and the log says so. */
const MAX_DRAFTS = 2_000;
/** Proofs sent and not acknowledged yet; the rest waits its turn. */
const MAX_IN_FLIGHT = 16;
/** Without an acknowledgement for so long, they are sent again. */
const RESEND_MS = 30_000;
const DISK_RETRY_MS = 10_000;

export interface ProofDeskOptions {
  readonly ledger: Ledger;
  readonly key: SigningKey;
  readonly deviceId: string;
  readonly clock: MonotonicClock;
  readonly random: () => number;
  readonly log: Logger;
  readonly publish: (jws: string) => Promise<boolean>;
  readonly meanAmplifierA: (broadcastId: string) => number | null;
  readonly onDiskFull: (isFull: boolean) => void;
}

/** Numbers, chains, signs and keeps proofs, and sends them until the platform's signed word that it has them. */
export class ProofDesk {
  readonly #options: ProofDeskOptions;
  readonly #ended = new AbortController();
  readonly #taken = new Set<string>();
  #drafts: ProofDraft[] = [];
  #work: Promise<void> | null = null;
  #sentSeq = 0;
  #inFlight = 0;
  #resend: Timer | null = null;

  constructor(options: ProofDeskOptions) {
    this.#options = options;
  }

  /** Has this broadcast a proof, or will it have one? */
  isProved(broadcastId: string): boolean {
    return this.#taken.has(broadcastId) || this.#options.ledger.isProved(broadcastId);
  }

  /** Takes a draft; it counts once it is on the disk. */
  take(draft: ProofDraft): void {
    if (this.#drafts.length >= MAX_DRAFTS) {
      this.#options.log.error({ broadcastId: draft.broadcastId }, 'a proof is lost: the disk takes none');
      return;
    }
    this.#drafts.push(draft);
    this.#taken.add(draft.broadcastId);
    this.#work ??= this.#workOff();
  }

  /** The link is up: everything unacknowledged is sent again. */
  sendAll(): void {
    this.#sentSeq = 0;
    this.#inFlight = 0;
    this.#send();
  }

  /** Takes the platform's word. Refuses one about a chain or a number that never was. */
  async acknowledge(ack: ProofAck): Promise<RefusalReason | null> {
    const { ledger } = this.#options;
    if (ack.chain !== ledger.chain.chain || ack.seq > ledger.chain.seq) return 'stale';
    if (!ledger.proofs.some(({ seq }) => seq <= ack.seq)) return null;
    await ledger.add({ kind: 'acked', seq: ack.seq });
    this.#inFlight = ledger.proofs.filter(({ seq }) => seq <= this.#sentSeq).length;
    this.#send();
    return null;
  }

  /** Puts what was taken on the disk where it still can. */
  async close(): Promise<void> {
    this.#ended.abort();
    this.#resend?.cancel();
    await this.#work;
  }

  async #workOff(): Promise<void> {
    for (let draft = this.#drafts[0]; draft !== undefined; draft = this.#drafts[0]) {
      const isKept = await this.#keep(draft);
      this.#options.onDiskFull(!isKept);
      if (isKept) {
        this.#drafts.shift();
        this.#taken.delete(draft.broadcastId);
        this.#send();
      } else {
        if (this.#ended.signal.aborted) break;
        await pause(this.#options.clock, DISK_RETRY_MS, this.#ended.signal);
      }
    }
    this.#work = null;
  }

  async #keep(draft: ProofDraft): Promise<boolean> {
    const { ledger, key, log } = this.#options;
    if (ledger.proofs.length >= MAX_PROOFS) return false;
    const proof = this.#asProof(draft);
    if (proof === null) {
      log.error({ draft }, 'a proof is lost: it says what no proof may say');
      return true;
    }
    try {
      const jws = await signJws(proof, key);
      await ledger.add({ kind: 'proof', seq: proof.seq, broadcastId: proof.broadcastId, jws });
      return true;
    } catch (error) {
      log.error({ err: error, isDiskFull: isDiskFull(error) }, 'a proof could not be written');
      return false;
    }
  }

  // A measure that makes no sense (a sensor below zero) must not cost the proof, nor hold up those behind it.
  #asProof(draft: ProofDraft): Proof | null {
    const { chain, seq, previous } = this.#options.ledger.chain;
    const proof = {
      ...draft,
      type: 'proof',
      device: this.#options.deviceId,
      chain,
      seq: seq + 1,
      previous,
      amplifierA: draft.startedAt === null ? null : this.#options.meanAmplifierA(draft.broadcastId),
    };
    const measured = proofSchema.safeParse(proof);
    if (measured.success) return measured.data;
    return proofSchema.safeParse({ ...proof, amplifierA: null, levelDbfs: null }).data ?? null;
  }

  #send(): void {
    if (this.#ended.signal.aborted) return;
    for (const proof of this.#options.ledger.proofs) {
      if (proof.seq <= this.#sentSeq) continue;
      if (this.#inFlight >= MAX_IN_FLIGHT) break;
      this.#inFlight += 1;
      this.#sentSeq = proof.seq;
      // The broker's word is not the platform's: only the signed acknowledgement counts.
      void this.#options.publish(proof.jws);
    }
    this.#watch();
  }

  #watch(): void {
    this.#resend?.cancel();
    this.#resend = null;
    if (this.#options.ledger.proofs.length === 0) return;
    const waitMs = RESEND_MS * (0.8 + 0.4 * this.#options.random());
    this.#resend = this.#options.clock.after(waitMs, () => this.sendAll());
  }
}
