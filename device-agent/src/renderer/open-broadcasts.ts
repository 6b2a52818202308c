import type { Progress, ProofDraft } from '../playout/index.ts';
import { draftBrokenOff } from '../proofs/index.ts';

/** Ids that were proved since the start: as many as the playout itself remembers. */
const MAX_PROVED = 8_192;

/** What a thread has told of its broadcasts, so that the next one can go on where it fell. */
export class OpenBroadcasts {
  readonly #kept: readonly Progress[];
  readonly #open = new Map<string, Progress>();
  readonly #proved = new Set<string>();

  /** `kept` is of before the start of the receiver: what of it is not taken up again is proved by others. */
  constructor(kept: readonly Progress[]) {
    this.#kept = kept;
  }

  isProved(broadcastId: string): boolean {
    return this.#proved.has(broadcastId);
  }

  sounded(progress: readonly Progress[]): void {
    for (const each of progress) {
      if (!this.#proved.has(each.broadcastId)) this.#open.set(each.broadcastId, each);
    }
  }

  /** False where it was proved before: a thread that fell may have proved what the next one takes for open. */
  proved({ broadcastId }: ProofDraft): boolean {
    if (this.#proved.has(broadcastId)) return false;
    this.#open.delete(broadcastId);
    this.#proved.add(broadcastId);
    const oldest = this.#proved.values().next();
    if (this.#proved.size > MAX_PROVED && oldest.done !== true) this.#proved.delete(oldest.value);
    return true;
  }

  /** How far everything has come that the next thread may take up. */
  get progress(): Progress[] {
    return [...this.#kept.filter(({ broadcastId }) => !this.#open.has(broadcastId)), ...this.#open.values()];
  }

  /** The proofs of what was open and will not be taken up again. */
  brokenOff(isWanted: (broadcastId: string) => boolean): ProofDraft[] {
    return [...this.#open.values()]
      .filter(({ broadcastId }) => !isWanted(broadcastId))
      .map((progress) => draftBrokenOff(progress, undefined, 'sink-failed'));
  }
}
