import type { ListenerSettings, Transport } from './listener.ts';
import { isAddressOrNetwork } from './proxy-header.ts';

const schemes: Readonly<Record<string, { transport: Transport; isTls: boolean; port: number }>> = {
  'mqtt:': { transport: 'tcp', isTls: false, port: 1883 },
  'mqtts:': { transport: 'tls', isTls: true, port: 8883 },
  'ws:': { transport: 'websocket', isTls: false, port: 8083 },
  'wss:': { transport: 'websocket', isTls: true, port: 8084 },
};

const MAX_LISTENERS = 8;

/**
 * Reads addresses to listen on, with commas between them: `mqtts://0.0.0.0:8883,ws://127.0.0.1:8083`. Each `proxy=` of a
 * query names an address or a network of proxies: `mqtt://10.0.0.2:1884?proxy=10.0.0.5`. Throws a TypeError that names
 * what is wrong.
 */
export function readListeners(text: string): ListenerSettings[] {
  const listeners = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(readListener);
  if (listeners.length > MAX_LISTENERS) throw new TypeError(`more than ${MAX_LISTENERS} addresses`);
  return listeners;
}

function readListener(text: string): ListenerSettings {
  const url = URL.canParse(text) ? new URL(text) : null;
  const scheme = url === null ? undefined : schemes[url.protocol];
  if (url === null || scheme === undefined || url.hostname === '') {
    throw new TypeError(`${text} is no mqtt://, mqtts://, ws:// or wss:// address`);
  }
  const { port, ...kind } = scheme;
  return {
    ...kind,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? port : Number(url.port),
    proxies: readProxies(url),
  };
}

function readProxies({ searchParams }: URL): string[] {
  for (const [name, value] of searchParams) {
    if (name !== 'proxy') throw new TypeError(`there is no ${name}= of a listener`);
    if (!isAddressOrNetwork(value)) throw new TypeError(`${value} is no address or network of a proxy`);
  }
  return searchParams.getAll('proxy');
}
