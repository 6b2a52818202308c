// Ways to spoil an MQTT packet. All chance comes from one seeded source, so that a seed gives the same bytes again.
import type { Random } from '@loalang/firmware-sim';

/** A valid packet, and from where on changing its bytes leaves its framing and its topic as they are. */
export interface Sample {
  readonly bytes: Buffer;
  readonly softFrom: number;
}

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

/** 0 to `end` - 1. */
export function draw(random: Random, end: number): number {
  return Math.floor(random.next() * end);
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[draw(random, items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

function randomBytes(random: Random, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => draw(random, 256)));
}

function flipBits(bytes: Buffer, random: Random, from = 0): Buffer {
  const spoilt = Buffer.from(bytes);
  if (from >= spoilt.byteLength) return spoilt;
  for (let left = 1 + draw(random, 8); left > 0; left -= 1) {
    const place = from + draw(random, spoilt.byteLength - from);
    spoilt[place] = (spoilt[place] ?? 0) ^ (1 << draw(random, 8));
  }
  return spoilt;
}

/** Where the body begins: after the type and one to four digits of length. */
function bodyAt(bytes: Buffer): number {
  let at = 1;
  while (at < 5 && at < bytes.byteLength && ((bytes[at] ?? 0) & 0x80) !== 0) at += 1;
  return Math.min(at + 1, bytes.byteLength);
}

function lengthDigits(length: number): Buffer {
  const digits: number[] = [];
  for (let left = length; digits.length === 0 || left > 0; left = Math.floor(left / 128)) {
    digits.push((left % 128) | (left >= 128 ? 0x80 : 0));
  }
  return Buffer.from(digits);
}

/** A packet of this type with this body, whose length is right. */
function framed(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), lengthDigits(body.byteLength), body]);
}

/** Whatever they do may end the connection. */
const hardMutations: readonly Mutation[] = [
  (bytes, random) => flipBits(bytes, random),
  // The header says another length than there is.
  (bytes, random) => {
    const length = pick(random, [0, 1, 2, 127, 128, 16_384, 2_097_152, 268_435_455, draw(random, 512)]);
    return Buffer.concat([bytes.subarray(0, 1), lengthDigits(length), bytes.subarray(bodyAt(bytes))]);
  },
  // A length that does not end.
  (bytes, random) =>
    Buffer.concat([
      bytes.subarray(0, 1),
      Buffer.alloc(1 + draw(random, 8), 0xff),
      bytes.subarray(bodyAt(bytes)),
    ]),
  // Cut anywhere, the next packet behind it.
  (bytes, random) => bytes.subarray(0, draw(random, bytes.byteLength)),
  // Cut anywhere, with the length that is left.
  (bytes, random) => framed(bytes[0] ?? 0, bytes.subarray(bodyAt(bytes), draw(random, bytes.byteLength + 1))),
  // Something between.
  (bytes, random) => {
    const at = draw(random, bytes.byteLength + 1);
    return Buffer.concat([
      bytes.subarray(0, at),
      randomBytes(random, 1 + draw(random, 16)),
      bytes.subarray(at),
    ]);
  },
  // Something between, with the length that it has now.
  (bytes, random) => {
    const body = bytes.subarray(bodyAt(bytes));
    const at = draw(random, body.byteLength + 1);
    const more = randomBytes(random, 1 + draw(random, 64));
    return framed(bytes[0] ?? 0, Buffer.concat([body.subarray(0, at), more, body.subarray(at)]));
  },
  // The beginning of one, the end of another.
  (bytes, random, other) =>
    Buffer.concat([
      bytes.subarray(0, draw(random, bytes.byteLength)),
      other.subarray(draw(random, other.byteLength)),
    ]),
  // The head of one, the body of another.
  (bytes, _, other) => framed(bytes[0] ?? 0, other.subarray(bodyAt(other))),
  // Another type and other flags.
  (bytes, random) => Buffer.concat([Buffer.from([draw(random, 256)]), bytes.subarray(1)]),
  // A length inside (of a topic, an id) that is not true.
  (bytes, random) => {
    const spoilt = Buffer.from(bytes);
    const at = bodyAt(bytes) + 2 * draw(random, 3);
    if (at + 2 <= spoilt.byteLength)
      spoilt.writeUInt16BE(pick(random, [0, 1, 255, 65_535, draw(random, 65_536)]), at);
    return spoilt;
  },
  (_, random) => randomBytes(random, 1 + draw(random, 64)),
];

/** Spoils a packet so that a broker may well have to end the connection. */
export function spoilHard(sample: Sample, random: Random, other: Sample): Buffer {
  return pick(random, hardMutations)(sample.bytes, random, other.bytes);
}

/** Spoils what a broker does not look into, so that it goes on to the next packet. */
export function spoilSoft({ bytes, softFrom }: Sample, random: Random): Buffer {
  return flipBits(bytes, random, softFrom);
}
