import {
  deviceTopic,
  MAX_STREAM_SUBSCRIPTIONS,
  mayPublish,
  maySubscribe,
  parseTopic,
  type Identity,
} from '@loalang/shared';
import { MAX_TOPIC_LENGTH } from '../limits/bounds.ts';

/**
 * Rights on the wire: the table of `@loalang/shared` (role × topic) with what only a broker has to bound. QoS 2 is
 * refused everywhere: no topic needs it, and its half-done handshakes are state.
 */

/** A receiver retains one thing, its presence; this keeps what a broken one can make the broker hold small. */
export const MAX_RETAINED_OF_DEVICE_BYTES = 1024;

export interface Message {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos?: number | undefined;
  readonly retain?: boolean | undefined;
}
export type Will = Message;

export type PublishObjection = 'qos-2' | 'topic-too-long' | 'not-allowed' | 'retained-too-long';

/** Why this message may not be published; null where it may. */
export function objectionToPublish(identity: Identity, message: Message): PublishObjection | null {
  if (message.qos === 2) return 'qos-2';
  if (message.topic.length > MAX_TOPIC_LENGTH) return 'topic-too-long';
  const isRetained = message.retain === true;
  if (!mayPublish(identity, message.topic, isRetained)) return 'not-allowed';
  const isTooLong =
    isRetained &&
    identity.role === 'device' &&
    Buffer.byteLength(message.payload) > MAX_RETAINED_OF_DEVICE_BYTES;
  return isTooLong ? 'retained-too-long' : null;
}

/** A last will is a publish, judged when it is left: later nobody is there to hear the refusal. */
export function mayLeaveWill(identity: Identity, will: Will): boolean {
  return objectionToPublish(identity, will) === null;
}

/** May this subscription be added to those streams that the session has already? */
export function mayAddSubscription(
  session: { readonly identity: Identity; readonly streams: ReadonlySet<string> },
  subscription: { readonly topic: string; readonly qos: number },
): boolean {
  const { identity, streams } = session;
  if (subscription.qos > 1 || !maySubscribe(identity, subscription.topic)) return false;
  if (!isStreamTopic(subscription.topic) || streams.has(subscription.topic)) return true;
  return streams.size < MAX_STREAM_SUBSCRIPTIONS;
}

/** May this message, on its exact topic, be handed to this identity? Asked at each delivery, since rights are taken back. */
export function mayReceive(identity: Identity, topic: string): boolean {
  if (identity.role === 'device') return maySubscribe(identity, topic);
  const parsed = parseTopic(topic);
  if (parsed?.kind === 'device') return maySubscribe(identity, deviceTopic('+', parsed.channel));
  return identity.role === 'platform' && parsed?.kind === 'revoked';
}

export function isStreamTopic(topic: string): boolean {
  return parseTopic(topic)?.kind === 'stream';
}

/** A packet of a stream that one receiver asked for. */
export function isRepairTopic(topic: string): boolean {
  const parsed = parseTopic(topic);
  return parsed?.kind === 'device' && parsed.channel === 'repair/res';
}
