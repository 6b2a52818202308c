import {
  addMs,
  deviceTopic,
  fromUnixMs,
  mayPublish,
  maySubscribe,
  REVOKED_TOPIC,
  streamTopic,
  type BrokerRole,
  type Identity,
} from '@loalang/shared';
import {
  generateSigningKey,
  issueClientCertificate,
  writeSigningKey,
  type ClientAuthority,
} from '@loalang/shared/signing';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

/** Who tries something at a broker: by a client certificate, and with nothing else. */
export class Clients {
  readonly #authority: ClientAuthority;
  readonly #options: IClientOptions;
  readonly #open: MqttClient[] = [];

  constructor(authority: ClientAuthority, options: IClientOptions) {
    this.#authority = authority;
    this.#options = options;
  }

  async connect(id: string, options: IClientOptions = {}): Promise<MqttClient> {
    const own = { ...certificateFor(this.#authority, id), ...options };
    const client = await connectOnce({ clientId: id, ...this.#options, ...own });
    this.#open.push(client);
    return client;
  }

  /** Says goodbye for all; resolves once they are gone, so that the same names may come again. */
  async close(): Promise<void> {
    const open = this.#open.splice(0).filter(({ connected }) => connected);
    await Promise.all(open.map((client) => client.endAsync()));
  }
}

/** Rejects where it is not let in, however it is told: many a broker just closes. */
export async function connectOnce(options: IClientOptions): Promise<MqttClient> {
  const common = { protocol: 'mqtts', host: '127.0.0.1', protocolVersion: 4, reconnectPeriod: 0 } as const;
  const client = connect({ ...common, ...options });
  client.on('error', () => client.end(true));
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('close', () => reject(new Error('not let in')));
  });
  return client;
}

export function certificateFor(authority: ClientAuthority, id: string): { cert: string; key: string } {
  const key = generateSigningKey();
  const now = fromUnixMs(Date.now());
  const cert = issueClientCertificate(authority, {
    id,
    key: key.public,
    now,
    expiresAt: addMs(now, 3_600_000),
  });
  return { cert, key: writeSigningKey(key) };
}

export const A: Identity = { id: 'd-aaaaaaaaaa', role: 'device' };
export const B: Identity = { id: 'd-bbbbbbbbbb', role: 'device' };
const PLATFORM: Identity = { id: 'platform', role: 'platform' };
const TIME: Identity = { id: 'time', role: 'time' };
const STREAM = streamTopic('f'.repeat(32));

interface Try {
  readonly by: Identity;
  readonly topic: string;
  /** Who would see it, and by which filter. */
  readonly seenBy: Identity;
  readonly filter: string;
}

/** Who publishes where, with somebody who may read there, so that what gets through is seen. */
const publishes: readonly Try[] = [A, B, PLATFORM, TIME].flatMap((by) => [
  { by, topic: deviceTopic(A.id, 'status'), seenBy: PLATFORM, filter: deviceTopic('+', 'status') },
  { by, topic: deviceTopic(A.id, 'proof'), seenBy: PLATFORM, filter: deviceTopic('+', 'proof') },
  { by, topic: deviceTopic(A.id, 'clock/req'), seenBy: TIME, filter: deviceTopic('+', 'clock/req') },
  { by, topic: deviceTopic(A.id, 'now'), seenBy: A, filter: deviceTopic(A.id, 'now') },
  { by, topic: deviceTopic(A.id, 'cmd'), seenBy: A, filter: deviceTopic(A.id, 'cmd') },
  { by, topic: deviceTopic(A.id, 'clock/res'), seenBy: A, filter: deviceTopic(A.id, 'clock/res') },
  { by, topic: STREAM, seenBy: B, filter: STREAM },
  { by, topic: REVOKED_TOPIC, seenBy: B, filter: REVOKED_TOPIC },
]);

/** Who tries to read what the platform or another receiver says. */
const readings: readonly Try[] = [
  { by: PLATFORM, topic: deviceTopic(B.id, 'plan'), seenBy: A, filter: deviceTopic(B.id, 'plan') },
  { by: PLATFORM, topic: deviceTopic(B.id, 'plan'), seenBy: A, filter: '#' },
  { by: PLATFORM, topic: deviceTopic(B.id, 'plan'), seenBy: A, filter: 'll/v1/dev/+/plan' },
  { by: B, topic: deviceTopic(B.id, 'status'), seenBy: A, filter: deviceTopic('+', 'status') },
  { by: B, topic: deviceTopic(B.id, 'status'), seenBy: TIME, filter: deviceTopic('+', 'status') },
  { by: PLATFORM, topic: deviceTopic(B.id, 'now'), seenBy: TIME, filter: deviceTopic('+', 'now') },
];

export interface Outcome {
  readonly what: string;
  readonly gotThrough: boolean;
}

function label({ by, topic, seenBy, filter }: Try): string {
  return `${by.id} says ${topic}, ${seenBy.id} reads ${filter}`;
}

/** What the table of rights says of all tries. */
export function expectedOutcomes(): Outcome[] {
  return [...publishes, ...readings].map((each) => {
    const { by, topic, seenBy, filter } = each;
    const maySay = [true, false].some((isRetained) => mayPublish(by, topic, isRetained));
    return { what: label(each), gotThrough: maySay && maySubscribe(seenBy, filter) };
  });
}

/** Tries them at a broker, each with connections of its own, and tells what got through. */
export async function tryRights(clients: Clients): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [index, each] of [...publishes, ...readings].entries()) {
    outcomes.push({ what: label(each), gotThrough: await getsThrough(clients, each, `try ${index}`) });
    await clients.close();
  }
  return outcomes;
}

const fences: Record<BrokerRole, (identity: Identity) => { topic: string; by: Identity; filter: string }> = {
  device: ({ id }) => ({
    topic: deviceTopic(id, 'repair/res'),
    by: PLATFORM,
    filter: deviceTopic(id, 'repair/res'),
  }),
  platform: () => ({ topic: deviceTopic(B.id, 'lateness'), by: B, filter: deviceTopic('+', 'lateness') }),
  time: () => ({ topic: deviceTopic(B.id, 'clock/req'), by: B, filter: deviceTopic('+', 'clock/req') }),
};

/** What is allowed is said after what is tried: once it is there, the other would have been. */
async function getsThrough(
  clients: Clients,
  { by, topic, seenBy, filter }: Try,
  text: string,
): Promise<boolean> {
  const fence = fences[seenBy.role](seenBy);
  const reader = await clients.connect(seenBy.id);
  const heard: string[] = [];
  const fenced = new Promise<void>((resolve) => {
    reader.on('message', (_, payload) => {
      heard.push(payload.toString());
      if (payload.toString() === `${text}: fence`) resolve();
    });
  });
  await reader.subscribeAsync(fence.filter, { qos: 0 });
  await Promise.race([subscribed(reader, filter), closed(reader)]);
  if (!reader.connected) return false;
  await say(by.id === seenBy.id ? reader : await clients.connect(by.id), topic, text);
  if (!reader.connected) return false;
  const speaker = fence.by.id === seenBy.id ? reader : await clients.connect(fence.by.id);
  await say(speaker, fence.topic, `${text}: fence`);
  await fenced;
  return heard.includes(text);
}

/** A refused subscription is answered, or the connection ends. */
async function subscribed(client: MqttClient, filter: string): Promise<void> {
  try {
    await client.subscribeAsync(filter, { qos: 0 });
  } catch {
    // Refused: what matters is whether anything comes.
  }
}

/** Says it, and waits until the broker has it or has ended the connection. */
async function say(client: MqttClient, topic: string, text: string): Promise<void> {
  const said = client.publishAsync(topic, text, { qos: 1 }).catch(() => undefined);
  await Promise.race([said, closed(client)]);
}

async function closed(client: MqttClient): Promise<void> {
  if (client.disconnected || client.disconnecting) return;
  await new Promise<void>((resolve) => {
    client.once('close', () => resolve());
  });
}
