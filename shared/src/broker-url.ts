import { z } from 'zod';
import { LoaLangError } from './errors.ts';

/** Where a broker can be reached. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** More are no use: each is tried once before the first is tried again. */
const MAX_ADDRESSES = 8;

/**
 * Reads `mqtt://host:port` or `mqtts://host:port`, or several of them with commas between: the machines of a cluster, each
 * as good as the other. Throws CONFIGURATION_INVALID. Plain TCP is for this machine only: TLS is mandatory off localhost.
 */
export function readBrokerUrl(text: string): [BrokerAddress, ...BrokerAddress[]] {
  const [first = '', ...others] = text.split(',').map((part) => part.trim());
  if (others.length >= MAX_ADDRESSES) throw invalid(`more than ${MAX_ADDRESSES} addresses`);
  return [readAddress(first), ...others.map(readAddress)];
}

/** What `readBrokerUrl` can read. */
export const brokerUrlSchema = z.string().superRefine((text, context) => {
  try {
    readBrokerUrl(text);
  } catch (error) {
    if (!(error instanceof LoaLangError)) throw error;
    context.addIssue({ code: 'custom', message: String(error.details['detail']) });
  }
});

/** Is this a name or an address of this machine alone? */
export function isLocalHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Reads `http://host` or `https://host`, by the same rule. Throws CONFIGURATION_INVALID. */
export function readPlatformUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid(`${text} is no http:// or https:// address`, 'LOALANG_PLATFORM_URL');
  }
  if (url.protocol === 'http:' && !isLocalHost(hostOf(url))) {
    throw invalid(`${text} would be unencrypted; use https:// off this machine`, 'LOALANG_PLATFORM_URL');
  }
  return url;
}

function readAddress(text: string): BrokerAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isTls = url?.protocol === 'mqtts:';
  if (url === null || (url.protocol !== 'mqtt:' && !isTls) || url.hostname === '') {
    throw invalid(`${text} is not an mqtt:// or mqtts:// address`);
  }
  const host = hostOf(url);
  if (!isTls && !isLocalHost(host)) {
    throw invalid(`${text} would be unencrypted; use mqtts:// off this machine`);
  }
  return { host, port: url.port === '' ? (isTls ? 8883 : 1883) : Number(url.port), isTls };
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function invalid(detail: string, variable = 'LOALANG_BROKER_URL'): LoaLangError {
  return new LoaLangError('CONFIGURATION_INVALID', { variable, detail });
}
