import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { BrokerAddress } from '@loalang/shared';
import { PacketLengths } from './packet-length.ts';

/** How long an established path may stay silent before the kernel asks; MQTT's keepalive is the real watch. */
const TCP_KEEPALIVE_MS = 30_000;

/** What TLS to the broker goes by; all PEM. */
export interface BrokerTls {
  /** Whose certificates are believed; without it those that Node.js brings. */
  readonly ca?: string | undefined;
  /** Shown to brokers that ask who one is by TLS, with the receiver's own key. */
  readonly certificate?: string | undefined;
  readonly key: string;
}

/** Opens the socket, and destroys it as soon as the other end begins a packet longer than anything of ours. */
export function openBrokerSocket(address: BrokerAddress, tls: BrokerTls): Socket {
  const socket = address.isTls ? openTls(address, tls) : connectTcp(address);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
  const lengths = new PacketLengths();
  socket.on('data', (chunk: Buffer) => {
    if (!lengths.take(chunk)) socket.destroy(new Error('an MQTT packet is longer than allowed'));
  });
  return socket;
}

function openTls({ host, port }: BrokerAddress, { ca, certificate, key }: BrokerTls): Socket {
  return connectTls({
    host,
    port,
    ...(isIP(host) === 0 && { servername: host }),
    minVersion: 'TLSv1.3',
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate, key }),
  });
}
