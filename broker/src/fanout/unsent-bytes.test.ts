import { addMs, fromUnixMs } from '@loalang/shared';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { UNSENT_BYTES } from './bounds.ts';
import { descriptorOf } from './kernel.ts';
import { StreamTable } from './stream-table.ts';
import { openTcpYard } from './test-connections.ts';
import { Writers } from './writers.ts';

/** How much old audio a subscriber that stops reading can have outside the table, where it can't be dropped. */

const TOPIC = 'll/v1/stream/feedfacefeedfacefeedfacefeedface';
/** Three frames at 24 kb/s, signed. */
const PACKET_BYTES = 271;
/** What Linux gives a send buffer at most by itself comes to a few of these. */
const MANY_PACKETS = 200_000;
const SIOCOUTQNSD = 0x894b;

interface Hidden {
  /** Given away by the table until it kept the first packet: in Node, both kernels' buffers and on the way. */
  readonly all: number;
  /** Of these, what our kernel has not sent. */
  readonly unsent: number;
}

/** Publishes to one subscriber that reads nothing, until the table has to keep a packet. */
async function hide(writers: Writers): Promise<Hidden> {
  const yard = await openTcpYard();
  const { near, far } = await yard.open();
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    yard.close();
  });
  far.pause();
  writers.bound(near);
  writers.allowDirect(near);
  let all = 0;
  const tally = {
    delivered: (_packets: number, bytes: number) => void (all += bytes),
    dropped: () => undefined,
    waited: () => undefined,
    spread: () => undefined,
  };
  const table = new StreamTable({ clock: systemClock, tally }, writers);
  table.add(TOPIC, { id: 'frozen', conn: near });
  const packet = Buffer.alloc(PACKET_BYTES);
  packet.writeUInt32BE(0x01_00_03_00, 0);
  packet.writeBigUInt64BE(BigInt(addMs(fromUnixMs(Date.now()), 600_000)), 8);
  for (let count = 0; table.queuedBytes === 0; count += 1) {
    if (count > MANY_PACKETS) throw new Error('everything is taken');
    table.publish(TOPIC, packet);
    // The other end's kernel takes its share meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { all, unsent: await unsentOf(near) };
}

async function unsentOf(near: Parameters<typeof descriptorOf>[0]): Promise<number> {
  const { default: koffi } = await import('koffi');
  const ioctl = koffi.load(null).func('int ioctl(int, ulong, _Out_ int *)') as (
    descriptor: number,
    request: number,
    out: [number],
  ) => number;
  const out: [number] = [0];
  if (ioctl(descriptorOf(near), SIOCOUTQNSD, out) !== 0) throw new Error('SIOCOUTQNSD is refused');
  return out[0];
}

/** What Linux adds to a segment that it has not sent, whatever the bound, unless each packet ends one. */
const SEGMENT_BYTES = 64 * 1024;

test.runIf(process.platform === 'linux')(
  'the kernel hides no more of a frozen subscriber than its bound, where it can be reached past Node',
  { timeout: 60_000 },
  async () => {
    const [past, through] = [new Writers('send'), new Writers('socket-write')];
    await past.start();
    await through.start();
    const sent = await hide(past);
    const written = await hide(through);
    // Never started: as where there is no koffi.
    const unbounded = await hide(new Writers('socket-write'));
    console.log('bytes outside the table:', { sent, written, unbounded });
    expect(sent.unsent).toBeLessThanOrEqual(UNSENT_BYTES + 2 * PACKET_BYTES);
    expect(written.unsent).toBeLessThanOrEqual(UNSENT_BYTES + SEGMENT_BYTES);
    expect(sent.all).toBeLessThan(unbounded.all);
  },
);
