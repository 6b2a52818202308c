import * as fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { expect, inject, test } from 'vitest';
import { addressKey, ConnectionCount } from './connection-count.ts';
import { defaultLimits } from './bounds.ts';
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

test('packets within the limit pass and one beyond does not, however they are cut', () => {
  const sizes = fc.array(fc.nat(3_000), { maxLength: 10 });
  fc.assert(
    fc.property(sizes, fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }), (bodies, cuts) => {
      const bytes = Buffer.concat([
        generate(connect),
        ...bodies.map((size) => publish(size)),
        publish(5_000),
      ]);
      const meter = new PacketMeter();
      meter.allow(4_000);
      const objections: unknown[] = [];
      for (let offset = 0, cut = 0; offset < bytes.byteLength && objections.length === 0; cut += 1) {
        const end = offset + (cuts[cut % cuts.length] ?? 1);
        const objection = meter.take(bytes.subarray(offset, end));
        if (objection !== null) objections.push(objection);
        offset = end;
      }
      expect(objections).toEqual(['too-long']);
      const passed = new PacketMeter();
      passed.allow(4_000);
      expect(passed.take(bytes.subarray(0, bytes.byteLength - publish(5_000).byteLength))).toBeNull();
    }),
    { seed: 3, numRuns: 200 * inject('soak') },
  );
});

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['127.0.0.1', 'loopback'],
  ['::ffff:127.8.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test('foreign addresses have their own share, and all together the whole', () => {
  const limits = { ...defaultLimits, connectionsPerAddress: 2, connections: 3 };
  const count = new ConnectionCount(limits);
  const admissions = ['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) =>
    count.admit(address),
  );
  expect(admissions).toEqual(['admitted', 'admitted', 'address-full', 'admitted', 'broker-full']);
  count.release('10.0.0.1');
  expect([count.total, count.admit('10.0.0.1')]).toEqual([2, 'admitted']);
});
