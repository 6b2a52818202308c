/** Who a receiver is: joining by a code, the credential it gets, and the proof that it is there now. */
import { addMs, type Credential, type JoinAnswer, type JoinRequest } from '@loalang/shared';
import {
  identify,
  issueClientCertificate,
  signJws,
  TrustStore,
  UsedTokens,
  type ClientAuthority,
} from '@loalang/shared/signing';
import type { Changes } from '../changes/index.ts';
import type { Db } from '../database/index.ts';
import type { PlatformKeys } from '../keys/index.ts';
import type { Outbox } from '../link/index.ts';
import type { Planning } from '../planning/index.ts';
import type { Clock } from '../time/index.ts';
import * as repository from './device-repository.ts';
import type { RevokedList } from './revoked-list.ts';

export interface IdentitiesParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly keys: PlatformKeys;
  /** Where there is one, receivers get a client certificate as well. */
  readonly clientAuthority: ClientAuthority | null;
  readonly planning: Planning;
  readonly outbox: Outbox;
  readonly revoked: RevokedList;
  readonly changes: Changes;
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

  /** A code works once; a board that has joined and asks again gets its credential again. */
  async join(request: JoinRequest): Promise<JoinAnswer> {
    const { db, broker } = this.#parts;
    const deviceId = (await repository.findByKey(db, request.key)) ?? (await this.#takePlace(request));
    if (deviceId === null) return { state: 'waiting' };
    const credential = await this.#issue(deviceId, request.key);
    const certificate = this.#certify(deviceId, request.key);
    return { state: 'joined', deviceId, credential, ...certificate, broker: { ...broker } };
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

  async #takePlace({ code, key, model }: JoinRequest): Promise<string | null> {
    const { db, clock, planning, outbox, changes } = this.#parts;
    const deviceId = await db.transaction(async (tx) => {
      const id = await repository.takeCode(tx, { code, key, model, now: clock.now() });
      if (id === null) return null;
      await planning.replan(tx, [id]);
      await planning.renewNow(tx, [id]);
      return id;
    });
    if (deviceId === null) return null;
    outbox.kick();
    changes.notify();
    return deviceId;
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
