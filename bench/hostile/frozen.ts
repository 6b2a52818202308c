// A thousand receivers that have every right to be there, and read nothing.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connectPacket, deviceId, PacketReader } from '@loalang/broker/testing';
import { deviceTopic, streamTopic } from '@loalang/shared';
import { generate } from 'mqtt-packet';
import { WITNESS_STREAM } from '../rig/witness.ts';
import type { BrokerProcess } from '../rig/broker-process.ts';

/** So many sign in at a time. */
const AT_ONCE = 20;

/** They hear the witness's stream and their own plans. */
export async function openFrozen(broker: BrokerProcess, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let first = 0; first < count; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => first + index);
    sockets.push(...(await Promise.all(numbers.map(async (number) => freeze(broker, number)))));
  }
  return sockets;
}

async function freeze(broker: BrokerProcess, number: number): Promise<Socket> {
  const id = deviceId(number);
  const socket = connect({ host: '127.0.0.1', port: broker.port });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  const reader = new PacketReader(socket);
  socket.write(generate(await connectPacket(await broker.authority.issue(id, 'device'))));
  await reader.next('connack');
  const topics = [streamTopic(WITNESS_STREAM), deviceTopic(id, 'plan'), deviceTopic(id, 'now')];
  const subscriptions = topics.map((topic) => ({ topic, qos: 1 as const }));
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }));
  await reader.next('suback');
  reader.stop();
  socket.pause();
  return socket;
}
