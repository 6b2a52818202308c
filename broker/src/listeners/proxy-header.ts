// The PROXY protocol, version 2 (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, §2.2): a proxy says, before
// the first byte of the connection, from where it got it.
import { BlockList, isIPv4, isIPv6, type Socket } from 'node:net';
import { HandshakeError } from './handshake-error.ts';

const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
/** Signature, version and command, family, length. */
const FIXED_BYTES = 16;
/** Addresses of IPv6 with ports are 36 bytes; the rest is what proxies may add, which is not needed. */
const MAX_BODY_BYTES = 512;
const VERSION_2_LOCAL = 0x20;
const VERSION_2_PROXY = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

export interface ProxyHead {
  readonly bodyBytes: number;
  readonly command: 'local' | 'proxy';
  readonly family: 4 | 6 | null;
}

/** Reads the first 16 bytes; null where they are no such header. */
export function readProxyHead(bytes: Buffer): ProxyHead | null {
  if (bytes.byteLength < FIXED_BYTES || !bytes.subarray(0, SIGNATURE.byteLength).equals(SIGNATURE))
    return null;
  const bodyBytes = bytes.readUInt16BE(14);
  if (bodyBytes > MAX_BODY_BYTES) return null;
  // The proxy's own connections, as for its health checks: whatever address they carry is to be ignored.
  if (bytes[12] === VERSION_2_LOCAL) return { bodyBytes, command: 'local', family: null };
  if (bytes[12] !== VERSION_2_PROXY) return null;
  if (bytes[13] === TCP_OVER_IPV4) return { bodyBytes, command: 'proxy', family: 4 };
  return bytes[13] === TCP_OVER_IPV6 ? { bodyBytes, command: 'proxy', family: 6 } : null;
}

/** The source address in the body of a header; null where the body is too short for it. */
export function readProxySource(family: 4 | 6, body: Buffer): string | null {
  if (family === 4) return body.byteLength < 12 ? null : [...body.subarray(0, 4)].join('.');
  if (body.byteLength < 36) return null;
  const groups = Array.from({ length: 8 }, (_, index) => body.readUInt16BE(2 * index));
  const isIpv4Inside = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isIpv4Inside) return [...body.subarray(12, 16)].join('.');
  return groups.map((group) => group.toString(16)).join(':');
}

/** Takes the header off a connection: where it comes from, or null where it is the proxy's own. What follows stays in it. */
export async function takeProxyHeader(socket: Socket): Promise<string | null> {
  const head = readProxyHead(await take(socket, FIXED_BYTES));
  if (head === null) throw new HandshakeError('proxy-failed');
  const body = head.bodyBytes === 0 ? Buffer.alloc(0) : await take(socket, head.bodyBytes);
  if (head.family === null) return null;
  const source = readProxySource(head.family, body);
  if (source === null) throw new HandshakeError('proxy-failed');
  return source;
}

async function take(socket: Socket, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      socket.off('readable', look).off('end', fail).off('close', fail);
      act();
    };
    const fail = (): void => settle(() => reject(new HandshakeError('proxy-failed')));
    const look = (): void => {
      const bytes: unknown = socket.read(count);
      if (!Buffer.isBuffer(bytes)) return;
      if (bytes.byteLength === count) settle(() => resolve(bytes));
      else fail();
    };
    socket.on('readable', look).on('end', fail).on('close', fail);
    look();
  });
}

/** `10.0.0.5`, `fd00::1`, or a network as `10.0.0.0/8`. */
export function isAddressOrNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : null;
  if (bits === null || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
}

export function makeAddressList(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of addresses) {
    const [address = '', prefix] = text.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

const IPV4_IN_IPV6 = '::ffff:';

export function isAmong(list: BlockList, address: string): boolean {
  const plain = address.startsWith(IPV4_IN_IPV6) ? address.slice(IPV4_IN_IPV6.length) : address;
  if (isIPv4(plain)) return list.check(plain, 'ipv4');
  return isIPv6(plain) && list.check(plain, 'ipv6');
}
