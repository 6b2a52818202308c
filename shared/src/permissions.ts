import type { BrokerRole } from './messages/link.ts';
import { MAX_STREAMS } from './messages/now.ts';
import { deviceChannels, parseTopic, REVOKED_TOPIC, TOPIC_ROOT, type DeviceChannel } from './topics.ts';

/** Who is on the other end of an MQTT connection. */
export interface Identity {
  readonly id: string;
  readonly role: BrokerRole;
}

interface ChannelRule {
  /** Who writes; the other of the two reads. */
  readonly from: 'device' | 'platform';
  readonly isRetained: boolean;
  /** The time service stands on the platform's side of this channel too. */
  readonly isOfTime?: true;
}

/** One row a topic of a receiver: who writes it, and whether it may be retained. The reader is the other side. */
export const channelRules: Record<DeviceChannel, ChannelRule> = {
  presence: { from: 'device', isRetained: true },
  status: { from: 'device', isRetained: false },
  plan: { from: 'platform', isRetained: true },
  now: { from: 'platform', isRetained: true },
  cmd: { from: 'platform', isRetained: false },
  'cmd/result': { from: 'device', isRetained: false },
  proof: { from: 'device', isRetained: false },
  'proof/ack': { from: 'platform', isRetained: false },
  'clock/req': { from: 'device', isRetained: false, isOfTime: true },
  'clock/res': { from: 'platform', isRetained: false, isOfTime: true },
  lateness: { from: 'device', isRetained: false },
  repair: { from: 'device', isRetained: false },
  'repair/res': { from: 'platform', isRetained: false },
};

/** A receiver hears at most so many streams at a time. */
export const MAX_STREAM_SUBSCRIPTIONS = MAX_STREAMS;

/** May this identity publish to this exact topic, retained or not (a last will counts as a publish)? */
export function mayPublish(identity: Identity, topic: string, isRetained: boolean): boolean {
  const parsed = parseTopic(topic);
  switch (parsed?.kind) {
    case 'device': {
      const rule = channelRules[parsed.channel];
      const isOwn = rule.from === 'platform' || identity.id === parsed.deviceId;
      return isOwn && rule.from === sideOf(identity, rule) && isRetained === rule.isRetained;
    }
    case 'stream':
      return identity.role === 'platform' && !isRetained;
    case 'revoked':
      return identity.role === 'platform' && isRetained;
    case undefined:
      return false;
  }
}

/** On which side of a channel an identity stands; null where it has no business there. */
function sideOf({ role }: Identity, rule: ChannelRule): 'device' | 'platform' | null {
  if (role !== 'time') return role;
  return rule.isOfTime === true ? 'platform' : null;
}

/**
 * May this identity subscribe to this filter? A receiver: exact topics only. The platform and its time service: one
 * channel of all receivers.
 */
export function maySubscribe(identity: Identity, filter: string): boolean {
  if (identity.role === 'time') return timeFilters.has(filter);
  if (identity.role === 'platform') {
    return filter === REVOKED_TOPIC || platformFilters.has(filter);
  }
  const parsed = parseTopic(filter);
  switch (parsed?.kind) {
    case 'device':
      return identity.id === parsed.deviceId && channelRules[parsed.channel].from === 'platform';
    case 'stream':
    case 'revoked':
      return true;
    case undefined:
      return false;
  }
}

const platformFilters = filtersOf((rule) => rule.from === 'device');
const timeFilters = filtersOf((rule) => rule.from === 'device' && rule.isOfTime === true);

function filtersOf(fits: (rule: ChannelRule) => boolean): ReadonlySet<string> {
  const channels = deviceChannels.filter((channel) => fits(channelRules[channel]));
  return new Set(channels.map((channel) => `${TOPIC_ROOT}/dev/+/${channel}`));
}

/** Who may use a route of the console: anyone, a signed-in person of a role, or a receiver with its token. */
export type RouteRole = 'anyone' | 'receiver' | 'operator' | 'administrator';

const people: readonly RouteRole[] = ['operator', 'administrator'];

/** Every HTTP and WebSocket route with who may use it. The server refuses to start with a route that has no row here. */
export const routeRules = {
  'GET /api/health': ['anyone'],
  'GET /api/openapi.json': ['anyone'],
  'POST /api/sign-in': ['anyone'],
  'POST /api/sign-in/link': ['anyone'],
  'POST /api/sign-out': people,
  'GET /api/me': people,
  'PUT /api/me/password': people,
  'GET /api/people': ['administrator'],
  'POST /api/people': ['administrator'],
  'GET /api/units': people,
  'GET /api/today': people,
  'GET /api/today/events': people,
  'GET /api/audio': people,
  'POST /api/audio': people,
  'GET /api/audio/:id': people,
  'GET /api/audio/:id/sound': people,
  'POST /api/broadcasts': people,
  'GET /api/broadcasts/:id': people,
  'POST /api/broadcasts/:id/stop': people,
  'POST /api/stop': people,
  'GET /api/live': people,
  'GET /api/live/latencies': people,
  'POST /api/boards': people,
  'POST /api/devices': people,
  'PUT /api/devices/:id': people,
  'POST /api/devices/:id/board': people,
  'POST /api/devices/:id/retire': people,
  'POST /api/devices/:id/listen': people,
  'GET /api/recordings/:id': people,
  'GET /device/time': ['anyone'],
  'POST /device/join': ['anyone'],
  'GET /device/assets/:sha256': ['receiver'],
  'PUT /device/recordings/:id': ['receiver'],
} as const satisfies Record<string, readonly RouteRole[]>;
export type RouteName = keyof typeof routeRules;
