import {
  brokerRoleSchema,
  deviceChannels,
  deviceTopic,
  mayPublish,
  maySubscribe,
  REVOKED_TOPIC,
  streamTopic,
  type BrokerRole,
} from '@loalang/shared';
import { describe, expect, test } from 'vitest';
import { grantsOf } from './grants.ts';

const OWN = 'd-bbbbbbbbbb';
const OTHER = 'd-cccccccccc';
const roles = brokerRoleSchema.options;
const topics = [
  ...[OWN, OTHER].flatMap((id) => deviceChannels.map((channel) => deviceTopic(id, channel))),
  streamTopic('f'.repeat(32)),
  REVOKED_TOPIC,
  'll/v1/dev',
  `ll/v1/dev/${OWN}/status/x`,
  `ll/v2/dev/${OWN}/status`,
  '$SYS/broker/uptime',
];

function matches(filters: readonly string[], topic: string): boolean {
  return filters.some((filter) => {
    const pattern = filter.replace('{id}', OWN).replaceAll('$', '\\$').replaceAll('+', '[^/]+');
    return new RegExp(`^${pattern}$`).test(topic);
  });
}

function identityOf(role: BrokerRole): { id: string; role: BrokerRole } {
  return { id: role === 'device' ? OWN : role, role };
}

describe.each(roles)('the grants of %s', (role) => {
  const grants = grantsOf(role);

  test('let it publish what the table does, and nothing else', () => {
    for (const topic of topics) {
      const may = [true, false].some((isRetained) => mayPublish(identityOf(role), topic, isRetained));
      expect({ topic, may: matches(grants.publish, topic) }).toEqual({ topic, may });
    }
  });

  test('let it read what the table does, and nothing else', () => {
    for (const topic of topics) {
      const any = topic.replace(OWN, '+').replace(OTHER, '+');
      const may = [topic, any].some((filter) => maySubscribe(identityOf(role), filter));
      expect({ topic, may: matches(grants.subscribe, topic) }).toEqual({ topic, may });
    }
  });
});
