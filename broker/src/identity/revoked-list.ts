import { revokedSchema, type Identity, type MediaTime, type RefusalReason } from '@loalang/shared';
import { readSignatureHeader, type TrustStore } from '@loalang/shared/signing';

export type RevokedOffer =
  | { state: 'taken'; count: number }
  /** A newer list is held: here it is, as it was signed. */
  | { state: 'held'; jws: string }
  | { state: 'refused'; reason: RefusalReason };

interface HeldList {
  readonly jws: string;
  /** The key that signed it. */
  readonly signedBy: string;
  readonly version: number;
  readonly ids: ReadonlySet<string>;
}

/**
 * The list of revoked ids and keys, as the platform signed it. Its version only grows, whoever publishes; the same version again
 * is taken for its younger signature, since the key of the old one expires. A list counts no longer than its signer does: a
 * thief can name everybody, the platform too, and number as high as they like. Whom a retired key had shut out rightly
 * stays out, since it signed their credentials as well.
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

  /** Is it the holder's id that may no longer sign in, or the key that it shows for it? */
  names({ identity, kid }: { readonly identity: Identity; readonly kid: string }): boolean {
    const ids = this.#counting()?.ids;
    return ids !== undefined && (ids.has(identity.id) || ids.has(kid));
  }

  /** Takes in a list that came in over the wire, if it is signed and not older. */
  async offer(jws: string, now: MediaTime): Promise<RevokedOffer> {
    const verified = await this.#trust.verify(jws, { purpose: 'credential', schema: revokedSchema, now });
    if (!verified.ok) return { state: 'refused', reason: verified.reason };
    const { version, ids } = verified.payload;
    const held = this.#counting();
    if (held !== null && version < held.version) return { state: 'held', jws: held.jws };
    this.#held = { jws, signedBy: readSignatureHeader(jws)?.kid ?? '', version, ids: new Set(ids) };
    return { state: 'taken', count: ids.length };
  }

  #counting(): HeldList | null {
    return this.#held !== null && this.#trust.isRetired(this.#held.signedBy) ? null : this.#held;
  }
}
