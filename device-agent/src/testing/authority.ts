// For tests: keys of a whole platform, and messages signed by them.
import {
  addMs,
  fromUnixMs,
  type Command,
  type LiveStream,
  type MediaTime,
  type Now,
  type Plan,
  type PlanItem,
} from '@loalang/shared';
import {
  certify,
  generateSigningKey,
  signJws,
  type KeyPurpose,
  type SigningKey,
} from '@loalang/shared/signing';

export interface CertifiedKey {
  readonly key: SigningKey;
  readonly certificate: string;
}

const DAY_MS = 86_400_000;
/** Quiet at no hour, so that tests may run at any. */
const OPEN_POLICY = { utcOffsetMinutes: 420, quietHours: [] };

export const DEVICE_ID = 'd-abcdefghij';
export const OTHER_ID = 'd-zyxwvutsrq';

/** The signing side of a platform. */
export class Authority {
  readonly root = generateSigningKey();
  readonly #keys = new Map<KeyPurpose, CertifiedKey>();

  /** Root and all four keys, valid around now. */
  static async make(now: MediaTime = fromUnixMs(Date.now())): Promise<Authority> {
    const authority = new Authority();
    for (const purpose of ['plan', 'air', 'time', 'credential'] as const) {
      authority.#keys.set(purpose, await authority.certified(purpose, now));
    }
    return authority;
  }

  /** Another key, valid since yesterday; one that retires others is valid from then on. */
  async certified(
    purpose: KeyPurpose,
    now: MediaTime,
    { lifeMs = DAY_MS, ...retiring }: { lifeMs?: number; retiresBefore?: MediaTime } = {},
  ): Promise<CertifiedKey> {
    const key = generateSigningKey();
    const notBefore = retiring.retiresBefore ?? addMs(now, -DAY_MS);
    const grant = { purpose, key: key.public, notBefore, expiresAt: addMs(now, lifeMs), ...retiring };
    return { key, certificate: await certify(this.root, grant) };
  }

  key(purpose: KeyPurpose): CertifiedKey {
    const found = this.#keys.get(purpose);
    if (found === undefined) throw new Error(`no ${purpose} key`);
    return found;
  }

  async sign(purpose: KeyPurpose, payload: object): Promise<string> {
    const { key, certificate } = this.key(purpose);
    return signJws(payload, key, certificate);
  }
}

export function makePlan(
  n: number,
  now: MediaTime,
  items: readonly PlanItem[] = [],
  device = DEVICE_ID,
): Plan {
  return {
    type: 'plan',
    device,
    revision: { epoch: 1, n },
    issuedAt: now,
    policy: OPEN_POLICY,
    acousticOffsetMs: 0,
    items: [...items],
  };
}

export function makeNow(
  n: number,
  now: MediaTime,
  streams: readonly LiveStream[] = [],
  device = DEVICE_ID,
): Now {
  return {
    type: 'now',
    device,
    revision: { epoch: 1, n },
    issuedAt: now,
    streams: [...streams],
    stopped: [],
    volume: 100,
    isMuted: false,
    certificates: [],
  };
}

export function makeCommand(id: string, now: MediaTime, lifeMs = 60_000, device = DEVICE_ID): Command {
  return {
    type: 'command',
    device,
    id,
    issuedAt: now,
    expiresAt: addMs(now, lifeMs),
    act: { kind: 'listen', from: null, durationMs: 200 },
  };
}
