import {
  deviceChannels,
  deviceTopic,
  mayPublish,
  maySubscribe,
  REVOKED_TOPIC,
  streamTopic,
  type BrokerRole,
} from '@loalang/shared';

/** What a role may do, as MQTT filters. In those of a receiver `{id}` stands for its own id. */
export interface Grants {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const PROBE_DEVICE = 'd-aaaaaaaaaa';
const PROBE_STREAM = '0'.repeat(32);

/** A topic to ask about, and the filter that stands for all of its kind. */
interface Kind {
  readonly topic: string;
  readonly filter: string;
}

/**
 * The table of rights (`@loalang/shared`: role × topic) as filters, by asking it about one topic of each kind. Other brokers
 * know no retained flag and no exact streams: what this leaves open is told in docs/scale.md.
 */
export function grantsOf(role: BrokerRole): Grants {
  const identity = { id: role === 'device' ? PROBE_DEVICE : role, role };
  const kinds = kindsOf(role);
  const mayWrite = ({ topic }: Kind): boolean =>
    [true, false].some((isRetained) => mayPublish(identity, topic, isRetained));
  // The platform reads one channel of all receivers by one filter, a receiver its own by exact topics.
  const mayRead = ({ topic, filter }: Kind): boolean =>
    maySubscribe(identity, topic) || maySubscribe(identity, filter);
  return {
    publish: kinds.filter(mayWrite).map(({ filter }) => filter),
    subscribe: kinds.filter(mayRead).map(({ filter }) => filter),
  };
}

function kindsOf(role: BrokerRole): Kind[] {
  const place = role === 'device' ? '{id}' : '+';
  return [
    ...deviceChannels.map((channel) => ({
      topic: deviceTopic(PROBE_DEVICE, channel),
      filter: deviceTopic(place, channel),
    })),
    { topic: streamTopic(PROBE_STREAM), filter: streamTopic('+') },
    { topic: REVOKED_TOPIC, filter: REVOKED_TOPIC },
  ];
}
