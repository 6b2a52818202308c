import * as fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { expect, inject, test } from 'vitest';
import { CONNECT_BYTES, CONTROL_BYTES } from './bounds.ts';
import { PacketMeter } from './packet-meter.ts';

const connect: Packet = { cmd: 'connect', clientId: 'd-one', clean: true, keepalive: 60 };

function publish(bytes: number): Buffer {
  return generate({
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(bytes),
    qos: 0,
    dup: false,
    retain: false,
  });
}

const plenty = { burst: 1e9, perSecond: 1e9 };

function openMeter(): PacketMeter {
  const meter = new PacketMeter(() => 0);
  meter.allow({ messageBytes: 4_000, packets: plenty, bytes: plenty });
  return meter;
}

test('packets within the limit pass and one beyond does not, however they are cut', () => {
  const sizes = fc.array(fc.nat(3_000), { maxLength: 10 });
  fc.assert(
    fc.property(sizes, fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }), (bodies, cuts) => {
      const bytes = Buffer.concat([
        generate(connect),
        ...bodies.map((size) => publish(size)),
        publish(5_000),
      ]);
      const meter = openMeter();
      const objections: unknown[] = [];
      for (let offset = 0, cut = 0; offset < bytes.byteLength && objections.length === 0; cut += 1) {
        const end = offset + (cuts[cut % cuts.length] ?? 1);
        const { objection } = meter.take(bytes.subarray(offset, end));
        if (objection !== null) objections.push(objection);
        offset = end;
      }
      expect(objections).toEqual(['too-long']);
      const fitting = bytes.byteLength - publish(5_000).byteLength;
      const passed = openMeter();
      expect(passed.take(bytes.subarray(0, fitting))).toEqual({ objection: null, takenBytes: fitting });
      expect(passed.packetCount).toBe(1 + bodies.length);
    }),
    { seed: 3, numRuns: 200 * inject('soak') },
  );
});

test.each([
  ['CONNECT', 0x10, CONNECT_BYTES],
  ['PUBLISH', 0x30, 4_000],
  ['SUBSCRIBE', 0x82, CONTROL_BYTES],
  ['a packet that needs no body', 0xc0, CONTROL_BYTES],
])('%s has its own bound', (_, type, maxBytes) => {
  const header = (bytes: number): Buffer =>
    Buffer.from([type, (bytes % 128) | 0x80, Math.floor(bytes / 128)]);
  const signedIn = (): PacketMeter => {
    const meter = openMeter();
    meter.take(generate(connect));
    return meter;
  };
  expect(signedIn().take(header(maxBytes)).objection).toBeNull();
  expect(signedIn().take(header(maxBytes + 1)).objection).toBe('too-long');
});

test('no more packets are let through than there are tokens, and the rest comes with time', () => {
  let now = 0;
  const meter = new PacketMeter(() => now);
  meter.allow({ messageBytes: 100, packets: { burst: 3, perSecond: 10 }, bytes: plenty });
  const ping = generate({ cmd: 'pingreq' });
  const bytes = Buffer.concat([generate(connect), ...Array.from({ length: 10 }, () => ping)]);
  const first = meter.take(bytes);
  const firstBytes = bytes.byteLength - 8 * ping.byteLength;
  expect([first, meter.packetCount]).toEqual([{ objection: null, takenBytes: firstBytes }, 3]);
  expect(meter.waitMs).toBe(100);
  const rest = bytes.subarray(firstBytes);
  expect(meter.take(rest)).toEqual({ objection: null, takenBytes: 0 });
  now = 200;
  expect(meter.take(rest)).toEqual({ objection: null, takenBytes: 2 * ping.byteLength });
});

test('bytes that came in one chunk too many are paid back before the next', () => {
  let now = 0;
  const meter = new PacketMeter(() => now);
  meter.allow({ messageBytes: 4_000, packets: plenty, bytes: { burst: 1_000, perSecond: 1_000 } });
  meter.take(generate(connect));
  const message = publish(1_490);
  expect(meter.take(message).objection).toBeNull();
  expect(meter.take(message)).toEqual({ objection: null, takenBytes: 0 });
  const waitMs = meter.waitMs;
  expect(waitMs).toBeGreaterThan(500);
  now = waitMs;
  expect(meter.take(message)).toEqual({ objection: null, takenBytes: message.byteLength });
});

test('before it has signed in a client may send its CONNECT and a few packets more', () => {
  const meter = new PacketMeter(() => 0);
  const bytes = Buffer.concat([generate(connect), ...Array.from({ length: 50 }, () => publish(10))]);
  meter.take(bytes);
  expect(meter.packetCount).toBe(9);
});
