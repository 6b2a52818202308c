import type { SecureContextOptions } from 'node:tls';
import { addMs, type BrokerAddress, type BrokerRole, type MediaTime } from '@loalang/shared';
import {
  issueClientCertificate,
  makeToken,
  signJws,
  writeSigningKey,
  type ClientAuthority,
  type SigningKey,
} from '@loalang/shared/signing';
import type { IClientOptions } from 'mqtt';
import type { PlatformKey } from '../keys/index.ts';

/** As whom a service signs in, by a key that lives as long as its process. */
export interface Signer {
  readonly role: Exclude<BrokerRole, 'device'>;
  readonly key: SigningKey;
  readonly brokerName: string;
  readonly credentialKey: PlatformKey;
  readonly clientAuthority?: ClientAuthority | null;
  readonly ca?: string | undefined;
}

/** A connection ends with its credential, whose key lives no longer than its process: none must end while one speaks. */
const LIFE_MS = 365 * 86_400_000;

/** User name and password: a fresh credential, and a token by its key. */
export async function credentialOptions(signer: Signer, now: MediaTime): Promise<IClientOptions> {
  const { role, key, brokerName, credentialKey } = signer;
  const expiresAt = addMs(now, LIFE_MS);
  const credential = { type: 'credential', id: role, role, key: key.public, issuedAt: now, expiresAt };
  return {
    username: await signJws(credential, credentialKey.key, credentialKey.certificate),
    password: await makeToken(key, { id: role, audience: brokerName, now }),
  };
}

/** Where to, and what TLS goes by; with a client certificate where there is an authority for one. */
export function addressOptions(
  { host, port, isTls }: BrokerAddress,
  { role, key, clientAuthority = null, ca }: Signer,
  now: MediaTime,
): IClientOptions & Pick<SecureContextOptions, 'minVersion'> {
  if (!isTls) return { protocol: 'mqtt', host, port };
  const holder = { id: role, key: key.public, now, expiresAt: addMs(now, LIFE_MS) };
  const certificate =
    clientAuthority === null
      ? {}
      : { cert: issueClientCertificate(clientAuthority, holder), key: writeSigningKey(key) };
  return {
    protocol: 'mqtts',
    host,
    port,
    minVersion: 'TLSv1.3',
    ...(ca !== undefined && { ca }),
    ...certificate,
  };
}
