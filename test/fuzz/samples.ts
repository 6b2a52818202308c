// What clients of each role send, right or not quite.
import type { Random } from '@loalang/firmware-sim';
import { deviceChannels, deviceTopic, REVOKED_TOPIC, streamTopic, type BrokerRole } from '@loalang/shared';
import { generate, type Packet } from 'mqtt-packet';
import { draw, pick, type Sample } from './mutate.ts';

export type FuzzRole = BrokerRole | 'stranger';

const OTHER = 'd-zzzzzzzzzz';
const filters = [
  '#',
  '+',
  '/',
  '//',
  'll/#',
  '$SYS/#',
  'a/+/b',
  'll/v1/stream/+',
  'x/'.repeat(20),
  REVOKED_TOPIC,
];
const topics = [
  'x',
  '/',
  '$SYS/x',
  'll/v1',
  'll/v1/stream/',
  `ll/v1/dev/${OTHER}/plan/x`,
  'é\u{1f50a}',
  'y'.repeat(300),
];

/** What is written of each role, whole and within its rights. */
const written: Record<BrokerRole, (id: string) => readonly string[]> = {
  device: (id) =>
    ['status', 'proof', 'cmd/result', 'clock/req', 'lateness', 'repair'].map(
      (channel) => `ll/v1/dev/${id}/${channel}`,
    ),
  platform: () => [
    streamTopic('0123456789abcdef0123456789abcdef'),
    ...(['cmd', 'proof/ack', 'clock/res', 'repair/res'] as const).map((channel) =>
      deviceTopic(OTHER, channel),
    ),
  ],
  time: () => [deviceTopic(OTHER, 'clock/res')],
};

function plain(packet: Packet): Sample {
  const bytes = generate(packet);
  return { bytes, softFrom: bytes.byteLength };
}

function publish(random: Random, topic: string, options: { qos?: 0 | 1 | 2; retain?: boolean } = {}): Sample {
  const payload = Buffer.alloc(1 + draw(random, 200), draw(random, 256));
  const qos = options.qos ?? (draw(random, 2) === 0 ? 0 : 1);
  const bytes = generate({
    cmd: 'publish',
    topic,
    payload,
    qos,
    retain: options.retain ?? false,
    dup: false,
    messageId: 1 + draw(random, 65_535),
  });
  return { bytes, softFrom: bytes.byteLength - payload.byteLength };
}

/** A message that its role may publish: a broker takes it, whatever its payload. */
export function allowed(random: Random, role: BrokerRole, id: string): Sample {
  return publish(random, pick(random, written[role](id)));
}

/** Something that a client may send, within its rights or not. */
export function anything(random: Random, id: string): Sample {
  const messageId = 1 + draw(random, 65_535);
  const qos = pick(random, [0, 1, 2] as const);
  const topic = pick(random, [
    ...topics,
    deviceTopic(pick(random, [id, OTHER]), pick(random, deviceChannels)),
  ]);
  const filter = pick(random, [...filters, topic]);
  return pick<() => Sample>(random, [
    () => plain({ cmd: 'pingreq' }),
    () => plain({ cmd: pick(random, ['puback', 'pubrec', 'pubrel', 'pubcomp'] as const), messageId }),
    () => plain({ cmd: 'subscribe', messageId, subscriptions: [{ topic: filter, qos }] }),
    () =>
      plain({ cmd: 'subscribe', messageId, subscriptions: filters.map((each) => ({ topic: each, qos })) }),
    () => plain({ cmd: 'unsubscribe', messageId, unsubscriptions: [filter, topic] }),
    () => publish(random, topic, { qos, retain: draw(random, 2) === 0 }),
    () => publish(random, REVOKED_TOPIC, { qos: 1, retain: true }),
    () => connect(random, id),
    () => plain({ cmd: 'connack', returnCode: 0, sessionPresent: false }),
    () => plain({ cmd: 'suback', messageId, granted: [0, 128] }),
    () => plain({ cmd: 'pingresp' }),
    () => plain({ cmd: 'disconnect' }),
  ])();
}

/** A CONNECT that nobody should be let in by. */
export function connect(random: Random, id: string): Sample {
  const will = {
    topic: deviceTopic(id, 'presence'),
    payload: Buffer.alloc(draw(random, 100)),
    qos: pick(random, [0, 1, 2] as const),
    retain: draw(random, 2) === 0,
  };
  return plain({
    cmd: 'connect',
    ...pick(random, [
      { protocolId: 'MQTT', protocolVersion: 4 },
      { protocolId: 'MQTT', protocolVersion: 5 },
      { protocolId: 'MQIsdp', protocolVersion: 3 },
    ] as const),
    clean: draw(random, 4) > 0,
    keepalive: pick(random, [0, 1, 60, 65_535]),
    clientId: pick(random, [id, 'x'.repeat(draw(random, 200)), '']) || 'x',
    ...(draw(random, 2) === 0 && { will }),
    ...(draw(random, 3) > 0 && {
      username: 'eyJhbGciOiJFZERTQSIsImtpZCI6IjAxMjM0NTY3ODlhYmNkZWYifQ.e30.'.padEnd(
        100 + draw(random, 2_000),
        'A',
      ),
      password: Buffer.alloc(draw(random, 600), 'A'),
    }),
  });
}
