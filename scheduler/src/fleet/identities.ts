/** Who a receiver is: the credential it gets, and the proof that it is there now. */
import { addMs, type Credential, type JoinAnswer } from '@loalang/shared';
import {
  identify,
  issueClientCertificate,
  signJws,
  TrustStore,
  UsedTokens,
  type ClientAuthority,
} from '@loalang/shared/signing';
import type { Db } from '../database/index.ts';
import type { PlatformKeys } from '../keys/index.ts';
import type { Clock } from '../time/index.ts';
import * as repository from './device-repository.ts';
import type { RevokedList } from './revoked-list.ts';

export interface IdentitiesParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly keys: PlatformKeys;
  /** Where there is one, receivers get a client certificate as well. */
  readonly clientAuthority: ClientAuthority | null;
  readonly revoked: RevokedList;
  /** What receivers are told: where the broker is, and its name, which is the audience of their tokens. */
  readonly broker: { readonly url: string; readonly name: string };
}

const CREDENTIAL_LIFE_MS = 365 * 86_400_000;
/** A receiver that was away fetches a week's audio at once, a request a file; it has this much, the others have theirs. */
const REQUESTS_IN_TWO_MINUTES = 1_000;

export class Identities {
  readonly #parts: IdentitiesParts;
  readonly #trust: TrustStore;
  #learntKid = '';
  readonly #usedTokens = new UsedTokens({ maxPerId: REQUESTS_IN_TWO_MINUTES });

  constructor(parts: IdentitiesParts) {
    this.#parts = parts;
    this.#trust = new TrustStore(parts.keys.rootPublic);
  }

  /** What a member needs to sign in: its credential, for a year from now on, and where. */
  async admit(deviceId: string, key: string): Promise<JoinAnswer> {
    const credential = await this.#issue(deviceId, key);
    const certificate = this.#certify(deviceId, key);
    return { state: 'joined', deviceId, credential, ...certificate, broker: { ...this.#parts.broker } };
  }

  /** The receiver that shows this credential and token; null where it is none, or not for the first time. */
  async identify(credential: string, token: string): Promise<string | null> {
    const { db, clock, broker, revoked } = this.#parts;
    const now = clock.now();
    await this.#learnOwnKey();
    const shown = { credential, token };
    const identified = await identify(this.#trust, shown, { audience: broker.name, now });
    if (!identified.ok || identified.credential.role !== 'device') return null;
    const { id, key } = identified.credential;
    const device = await repository.findJoined(db, id);
    if (device?.publicKey !== key || (await revoked.has(id))) return null;
    return this.#usedTokens.use(identified.token, now) === 'taken' ? id : null;
  }

  /** Our own certificate says which of the older ones are retired. */
  async #learnOwnKey(): Promise<void> {
    const { key, certificate } = this.#parts.keys.credential;
    if (key.kid === this.#learntKid) return;
    await this.#trust.learn(certificate);
    this.#learntKid = key.kid;
  }

  #certify(id: string, key: string): { certificate?: string } {
    const { clientAuthority, clock } = this.#parts;
    if (clientAuthority === null) return {};
    const now = clock.now();
    const expiresAt = addMs(now, CREDENTIAL_LIFE_MS);
    return { certificate: issueClientCertificate(clientAuthority, { id, key, now, expiresAt }) };
  }

  async #issue(deviceId: string, key: string): Promise<string> {
    const now = this.#parts.clock.now();
    const { key: signer, certificate } = this.#parts.keys.credential;
    const credential: Credential = {
      type: 'credential',
      id: deviceId,
      role: 'device',
      key,
      issuedAt: now,
      expiresAt: addMs(now, CREDENTIAL_LIFE_MS),
    };
    return await signJws(credential, signer, certificate);
  }
}
