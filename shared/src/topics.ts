import { deviceIdSchema, streamIdSchema } from './messages/ids.ts';

/** The root of every topic; a new protocol version gets a new one. */
export const TOPIC_ROOT = 'll/v1';

export const deviceChannels = [
  'presence',
  'status',
  'plan',
  'now',
  'cmd',
  'cmd/result',
  'proof',
  'proof/ack',
  'clock/req',
  'clock/res',
  'lateness',
  'repair',
  'repair/res',
] as const;
export type DeviceChannel = (typeof deviceChannels)[number];

/** `ll/v1/dev/{id}/{channel}`; `+` as id gives the platform's filter over all receivers. */
export function deviceTopic(deviceId: string, channel: DeviceChannel): string {
  return `${TOPIC_ROOT}/dev/${deviceId}/${channel}`;
}

/** `ll/v1/stream/{32 hex}`. */
export function streamTopic(streamId: string): string {
  return `${TOPIC_ROOT}/stream/${streamId}`;
}

/** The retained, signed list of revoked ids. */
export const REVOKED_TOPIC = `${TOPIC_ROOT}/revoked`;

export type Topic =
  | { kind: 'device'; deviceId: string; channel: DeviceChannel }
  | { kind: 'stream'; streamId: string }
  | { kind: 'revoked' };

const channelNames: ReadonlySet<string> = new Set(deviceChannels);

function isDeviceChannel(name: string): name is DeviceChannel {
  return channelNames.has(name);
}

/** Reads an exact topic (no wildcards); null for every topic that is not ours. */
export function parseTopic(topic: string): Topic | null {
  if (topic === REVOKED_TOPIC) return { kind: 'revoked' };
  if (!topic.startsWith(`${TOPIC_ROOT}/`)) return null;
  const [area, id = '', ...rest] = topic.slice(TOPIC_ROOT.length + 1).split('/');
  const channel = rest.join('/');
  if (area === 'dev' && deviceIdSchema.safeParse(id).success && isDeviceChannel(channel)) {
    return { kind: 'device', deviceId: id, channel };
  }
  if (area === 'stream' && rest.length === 0 && streamIdSchema.safeParse(id).success) {
    return { kind: 'stream', streamId: id };
  }
  return null;
}
