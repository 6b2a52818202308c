import { revokedSchema, type MediaTime, type RefusalReason } from '@loalang/shared';
import type { TrustStore } from '@loalang/shared/signing';

export type RevokedOffer =
  | { state: 'taken'; ids: ReadonlySet<string> }
  /** A newer list is held: here it is, as it was signed. */
  | { state: 'held'; jws: string }
  | { state: 'refused'; reason: RefusalReason };

interface HeldList {
  readonly jws: string;
  readonly version: number;
  readonly ids: ReadonlySet<string>;
}

/**
 * The list of revoked ids, as the platform signed it. Its version only grows, whoever publishes; the same version again
 * is taken for its younger signature, since the key of the old one expires.
 */
export class RevokedList {
  readonly #trust: TrustStore;
  #held: HeldList | null = null;

  constructor(trust: TrustStore) {
    this.#trust = trust;
  }

  /** Until it is, nobody can know who is revoked, and receivers are not admitted. */
  get isKnown(): boolean {
    return this.#held !== null;
  }

  has(id: string): boolean {
    return this.#held?.ids.has(id) ?? false;
  }

  /** Takes in a list that came in over the wire, if it is signed and not older. */
  async offer(jws: string, now: MediaTime): Promise<RevokedOffer> {
    const verified = await this.#trust.verify(jws, { purpose: 'credential', schema: revokedSchema, now });
    if (!verified.ok) return { state: 'refused', reason: verified.reason };
    const { version, ids } = verified.payload;
    if (this.#held !== null && version < this.#held.version) return { state: 'held', jws: this.#held.jws };
    this.#held = { jws, version, ids: new Set(ids) };
    return { state: 'taken', ids: this.#held.ids };
  }
}
