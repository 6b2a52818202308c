// What the receiver must not forget: proofs until they are acknowledged, where their chain stands, commands done, what
// was sounding, and how late it is. The state is what the journal's records add up to; each change is on the disk
// before it counts.
import { randomBytes } from 'node:crypto';
import type { MediaTime } from '@loalang/shared';
import type { KeptTime } from '../clock/index.ts';
import { Journal } from './journal.ts';
import {
  decodeRecord,
  encodeRecord,
  hashOfProof,
  type LedgerRecord,
  type Progress,
} from './ledger-records.ts';

/** Five months of twenty broadcasts a day without the platform. Full: no new proof is taken until some are acknowledged. */
export const MAX_PROOFS = 3_000;
/** Broadcasts of which it is remembered that they were proved; a plan has at most 2,000. The oldest is forgotten. */
const MAX_PROVED = 5_000;
/** Commands that are not expired yet. Full: further ones are refused. */
export const MAX_COMMANDS = 500;
/** Sound cards whose drift is remembered. The one that was not used for longest is forgotten. */
const MAX_CARDS = 8;
/** Below this a journal is not worth rewriting. */
const COMPACT_ABOVE_BYTES = 262_144;
const COMPACT_AT_RATIO = 3;

export interface HeldProof {
  readonly seq: number;
  readonly broadcastId: string;
  readonly jws: string;
}

/** The receiver's memory across kills and power cuts. */
export class Ledger {
  readonly #journal: Journal;
  #chain: { chain: string; seq: number; previous: string };
  #proofs: HeldProof[] = [];
  readonly #proved = new Set<string>();
  readonly #commands = new Map<string, MediaTime>();
  readonly #progress = new Map<string, Progress>();
  #time: KeptTime | null = null;
  readonly #cards = new Map<string, number>();
  #compactAtBytes = COMPACT_ABOVE_BYTES;
  #isCompacting = false;

  private constructor(journal: Journal) {
    this.#journal = journal;
    this.#chain = { chain: '', seq: 0, previous: '' };
  }

  /** Reads the journal, cuts its torn tail, and begins a chain where there is none. */
  static async open(path: string): Promise<{ ledger: Ledger; cutBytes: number }> {
    const { journal, records, cutBytes } = await Journal.open(path);
    const ledger = new Ledger(journal);
    for (const bytes of records) {
      const record = decodeRecord(bytes);
      if (record !== null) ledger.#apply(record);
    }
    if (ledger.#chain.chain === '') await ledger.#beginChain();
    return { ledger, cutBytes };
  }

  get chain(): { readonly chain: string; readonly seq: number; readonly previous: string } {
    return this.#chain;
  }

  get proofs(): readonly HeldProof[] {
    return this.#proofs;
  }

  get time(): KeptTime | null {
    return this.#time;
  }

  /** How much faster than the monotonic clock a sound card played; null where that was never learnt. */
  cardDriftPpm(name: string): number | null {
    return this.#cards.get(name) ?? null;
  }

  get progress(): readonly Progress[] {
    return [...this.#progress.values()];
  }

  isProved(broadcastId: string): boolean {
    return this.#proved.has(broadcastId);
  }

  hasCommand(id: string): boolean {
    return this.#commands.has(id);
  }

  get commandCount(): number {
    return this.#commands.size;
  }

  /** Forgets the commands that have expired: by then they are refused for that. */
  forgetCommandsBefore(now: MediaTime): void {
    for (const [id, expiresAt] of this.#commands) if (expiresAt < now) this.#commands.delete(id);
  }

  /** Puts a record on the disk, then lets it count. */
  async add(record: LedgerRecord): Promise<void> {
    await this.#journal.append(encodeRecord(record), () => this.#apply(record));
    this.#compactIfLong();
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  async #beginChain(): Promise<void> {
    await this.add({ kind: 'chain', chain: randomBytes(8).toString('hex'), seq: 0, previous: '' });
  }

  #apply(record: LedgerRecord): void {
    switch (record.kind) {
      case 'chain':
        this.#chain = { chain: record.chain, seq: record.seq, previous: record.previous };
        break;
      case 'proof':
        this.#applyProof(record);
        break;
      case 'acked':
        this.#proofs = this.#proofs.filter(({ seq }) => seq > record.seq);
        break;
      case 'proved':
        this.#remember(record.broadcastId);
        break;
      case 'command':
        this.#commands.set(record.id, record.expiresAt);
        break;
      case 'progress':
        // Written while its proof was on the way: the proof has the last word.
        if (!this.#proved.has(record.broadcastId)) this.#progress.set(record.broadcastId, record);
        break;
      case 'time':
        this.#time = record;
        break;
      case 'card':
        this.#rememberCard(record.name, record.driftPpm);
        break;
    }
  }

  #applyProof({ seq, broadcastId, jws }: HeldProof): void {
    this.#proofs.push({ seq, broadcastId, jws });
    if (seq > this.#chain.seq) this.#chain = { ...this.#chain, seq, previous: hashOfProof(jws) };
    this.#progress.delete(broadcastId);
    this.#remember(broadcastId);
  }

  #rememberCard(name: string, driftPpm: number): void {
    this.#cards.delete(name);
    this.#cards.set(name, driftPpm);
    const oldest = this.#cards.keys().next();
    if (this.#cards.size > MAX_CARDS && oldest.done !== true) this.#cards.delete(oldest.value);
  }

  #remember(broadcastId: string): void {
    this.#proved.delete(broadcastId);
    this.#proved.add(broadcastId);
    const oldest = this.#proved.values().next();
    if (this.#proved.size > MAX_PROVED && oldest.done !== true) this.#proved.delete(oldest.value);
  }

  // A rewrite that fails (a full disk) leaves the old journal as it was; the next try waits until it has grown again.
  #compactIfLong(): void {
    if (this.#isCompacting || this.#journal.bytes < this.#compactAtBytes) return;
    this.#isCompacting = true;
    const settle = (): void => {
      this.#isCompacting = false;
      this.#compactAtBytes = Math.max(COMPACT_ABOVE_BYTES, this.#journal.bytes * COMPACT_AT_RATIO);
    };
    this.#journal.compact(() => this.#records().map(encodeRecord)).then(settle, settle);
  }

  #records(): LedgerRecord[] {
    return [
      { kind: 'chain', ...this.#chain },
      ...[...this.#proved].map((broadcastId) => ({ kind: 'proved' as const, broadcastId })),
      ...this.#proofs.map((proof) => ({ kind: 'proof' as const, ...proof })),
      ...[...this.#commands].map(([id, expiresAt]) => ({ kind: 'command' as const, id, expiresAt })),
      ...this.#progress.values(),
      ...(this.#time === null ? [] : [{ kind: 'time' as const, ...this.#time }]),
      ...[...this.#cards].map(([name, driftPpm]) => ({ kind: 'card' as const, name, driftPpm })),
    ];
  }
}
