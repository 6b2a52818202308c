// The two calls of libc that Node has no words for, through koffi: nothing is compiled.
import type { Duplex } from 'node:stream';

/** What the fan-out asks of Linux, past Node. */
export interface Kernel {
  /** Gives bytes to a connection's send buffer, without waiting; returns how many it took, negative where none. */
  send(descriptor: number, bytes: Uint8Array): number;
  /** Lets the kernel take no more for a connection while so many bytes have not been sent yet. Is it done? */
  boundUnsent(descriptor: number, bytes: number): boolean;
}

// From Linux' headers; the same on all its architectures.
const MSG_DONTWAIT = 0x40;
const MSG_EOR = 0x80;
const MSG_NOSIGNAL = 0x4000;
const IPPROTO_TCP = 6;
const TCP_NOTSENT_LOWAT = 25;

/**
 * EOR: without it the kernel adds to the last segment that it has not sent, up to 64 KiB, before it looks at the bound
 * of unsent bytes (`tcp_sendmsg_locked`).
 */
const SEND_FLAGS = MSG_DONTWAIT | MSG_EOR | MSG_NOSIGNAL;

/** Rejects where there is no koffi for this machine, or no such call. */
export async function openKernel(): Promise<Kernel> {
  if (process.platform !== 'linux') throw new Error(`there is none on ${process.platform}`);
  const { default: koffi } = await import('koffi');
  const libc = koffi.load(null);
  const send = libc.func('long send(int, const void *, ulong, int)') as (
    descriptor: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
  ) => number;
  const setOption = libc.func('int setsockopt(int, int, int, const void *, uint)') as (
    descriptor: number,
    level: number,
    option: number,
    value: Int32Array,
    valueBytes: number,
  ) => number;
  return {
    send: (descriptor, bytes) => send(descriptor, bytes, bytes.byteLength, SEND_FLAGS),
    boundUnsent: (descriptor, bytes) =>
      setOption(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, Int32Array.of(bytes), 4) === 0,
  };
}

/** The part of Node's sockets that has no public name. */
interface WithHandle {
  readonly _handle?: { readonly fd?: number } | null;
}

/**
 * The descriptor of a connection; negative where it has none (any more). Only good within the tick that asks: once Node
 * has closed it, the kernel gives its number to somebody else.
 */
export function descriptorOf(stream: Duplex & WithHandle): number {
  const { _handle: handle } = stream;
  return handle?.fd ?? -1;
}
