import type { Identity, MediaTime, RefusalReason } from '@loalang/shared';
import { identify, keyId, type TrustStore, type UsedTokens } from '@loalang/shared/signing';
import type { Clock } from '../clock.ts';
import { mayLeaveWill, type Will } from '../rights/rights.ts';
import type { RevokedList } from './revoked-list.ts';

/** What a CONNECT shows. */
export interface Shown {
  readonly clientId: string;
  /** User name: the credential. */
  readonly credential: string | undefined;
  /** Password: a fresh token by the credential's own key. */
  readonly token: string | undefined;
  readonly will: Will | undefined;
}

export type SignInRefusal =
  RefusalReason | 'unsigned' | 'wrong-client-id' | 'list-unknown' | 'revoked' | 'will-not-allowed';

export interface Admitted {
  readonly identity: Identity;
  /** Of the key that its holder signed in with: another board may take an id over. */
  readonly kid: string;
  /** The key that signed the credential, which counts for as long as that key does. */
  readonly signedBy: string;
  readonly expiresAt: MediaTime;
}

export type SignInResult = ({ ok: true } & Admitted) | { ok: false; reason: SignInRefusal };

/** Decides who a CONNECT is from, by the platform's public key and the list of revoked ids alone: no database, no call. */
export class SignIn {
  readonly #parts: {
    readonly trust: TrustStore;
    readonly audience: string;
    readonly clock: Clock;
    readonly usedTokens: UsedTokens;
    readonly revoked: RevokedList;
  };

  constructor(parts: {
    trust: TrustStore;
    audience: string;
    clock: Clock;
    usedTokens: UsedTokens;
    revoked: RevokedList;
  }) {
    this.#parts = parts;
  }

  async check(shown: Shown): Promise<SignInResult> {
    if (shown.credential === undefined || shown.token === undefined) return refuse('unsigned');
    const { trust, audience, clock, usedTokens } = this.#parts;
    const now = clock.now();
    const identified = await identify(
      trust,
      { credential: shown.credential, token: shown.token },
      { audience, now },
    );
    if (!identified.ok) return identified;
    const { id, role, key, expiresAt } = identified.credential;
    const { signedBy } = identified;
    const identity = { id, role };
    const kid = keyId(key);
    const objection = this.#objectionTo(identity, kid, shown);
    if (objection !== null) return refuse(objection);
    const use = usedTokens.use(identified.token, now);
    return use === 'taken' ? { ok: true, identity, kid, signedBy, expiresAt } : refuse(use);
  }

  #objectionTo(identity: Identity, kid: string, shown: Shown): SignInRefusal | null {
    const { revoked } = this.#parts;
    if (shown.clientId !== identity.id) return 'wrong-client-id';
    if (revoked.names({ identity, kid })) return 'revoked';
    if (!revoked.isKnown && identity.role === 'device') return 'list-unknown';
    if (shown.will !== undefined && !mayLeaveWill(identity, shown.will)) return 'will-not-allowed';
    return null;
  }
}

function refuse(reason: SignInRefusal): SignInResult {
  return { ok: false, reason };
}
