import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { LoaLangError } from '@loalang/shared';
import { PacketLengths } from './packet-length.ts';

/** How long an established path may stay silent before the kernel asks; MQTT's keepalive is the real watch. */
const TCP_KEEPALIVE_MS = 30_000;

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** Reads `mqtt://host:port` or `mqtts://host:port`. Plain TCP is for this machine only: TLS is mandatory off localhost. */
export function readBrokerUrl(url: string): BrokerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isTls = parsed?.protocol === 'mqtts:';
  if (parsed === null || (parsed.protocol !== 'mqtt:' && !isTls) || parsed.hostname === '') {
    throw new LoaLangError('CONFIGURATION_INVALID', {
      variable: 'LOALANG_BROKER_URL',
      detail: `${url} is not an mqtt:// or mqtts:// address`,
    });
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (!isTls && !isLocal(host)) {
    throw new LoaLangError('CONFIGURATION_INVALID', {
      variable: 'LOALANG_BROKER_URL',
      detail: `${url} would be unencrypted; use mqtts:// off this machine`,
    });
  }
  return { host, port: parsed.port === '' ? (isTls ? 8883 : 1883) : Number(parsed.port), isTls };
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Opens the socket, and destroys it as soon as the other end begins a packet longer than anything of ours. */
export function openBrokerSocket({ host, port, isTls }: BrokerAddress): Socket {
  const socket = isTls
    ? connectTls({ host, port, servername: host, minVersion: 'TLSv1.2' })
    : connectTcp({ host, port });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
  const lengths = new PacketLengths();
  socket.on('data', (chunk: Buffer) => {
    if (!lengths.take(chunk)) socket.destroy(new Error('an MQTT packet is longer than allowed'));
  });
  return socket;
}
