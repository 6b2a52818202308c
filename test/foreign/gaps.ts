import { deviceTopic, streamTopic, type DeviceChannel } from '@loalang/shared';
import { eventually } from './engine.ts';
import { A, B, type Clients } from './rights.ts';

/** What our broker refuses and the table of rights can't tell another one. docs/scale.md says the same of each engine. */
export interface Gaps {
  /** A receiver retains a message where the table allows none. */
  readonly retainsStatus: boolean;
  /** A receiver hears all streams by one filter. */
  readonly hearsAllStreams: boolean;
  /** A will on the topic of another receiver is sent. */
  readonly leavesForeignWill: boolean;
  /** QoS 2 is taken. */
  readonly takesQos2: boolean;
  /** Who shows the client id of another throws it out. */
  readonly throwsOutOther: boolean;
}

export async function findGaps(clients: Clients): Promise<Gaps> {
  return {
    retainsStatus: await retainsStatus(clients),
    hearsAllStreams: await hearsAllStreams(clients),
    leavesForeignWill: await leavesForeignWill(clients),
    takesQos2: await takesQos2(clients),
    throwsOutOther: await throwsOutOther(clients),
  };
}

async function retainsStatus(clients: Clients): Promise<boolean> {
  const device = await clients.connect(A.id);
  await device.publishAsync(deviceTopic(A.id, 'status'), 'retained', { qos: 1, retain: true });
  const heard = await platformHears(clients, 'status', async () => {});
  await device.publishAsync(deviceTopic(A.id, 'status'), '', { qos: 1, retain: true });
  await clients.close();
  return heard.includes('retained');
}

async function hearsAllStreams(clients: Clients): Promise<boolean> {
  const device = await clients.connect(A.id);
  const heard: string[] = [];
  device.on('message', (_, payload) => heard.push(payload.toString()));
  await device
    .subscribeAsync([streamTopic('+'), deviceTopic(A.id, 'now')], { qos: 0 })
    .catch(() => undefined);
  const platform = await clients.connect('platform');
  await platform.publishAsync(streamTopic('e'.repeat(32)), 'stream', { qos: 1 });
  await platform.publishAsync(deviceTopic(A.id, 'now'), 'fence', { qos: 1 });
  await eventually(() => heard.includes('fence'));
  await clients.close();
  return heard.includes('stream');
}

async function leavesForeignWill(clients: Clients): Promise<boolean> {
  const heard = await platformHears(clients, 'presence', async () => {
    const will = {
      topic: deviceTopic(B.id, 'presence'),
      payload: Buffer.from('will'),
      qos: 1,
      retain: false,
    } as const;
    const device = await clients.connect(A.id, { will }).catch(() => null);
    if (device === null) return;
    device.stream.destroy();
    await eventually(() => !device.connected);
  });
  await clients.close();
  return heard.includes('will');
}

async function takesQos2(clients: Clients): Promise<boolean> {
  const device = await clients.connect(A.id);
  const said = device.publishAsync(deviceTopic(A.id, 'status'), 'twice', { qos: 2 });
  const ended = eventually(() => !device.connected);
  const isTaken = await Promise.race([
    said.then(
      () => true,
      () => false,
    ),
    ended.then(() => false),
  ]);
  await clients.close();
  return isTaken;
}

async function throwsOutOther(clients: Clients): Promise<boolean> {
  const victim = await clients.connect(B.id);
  const attacker = await clients.connect(A.id, { clientId: B.id });
  await attacker.publishAsync(deviceTopic(A.id, 'status'), 'mine', { qos: 1 });
  const alive = victim.publishAsync(deviceTopic(B.id, 'status'), 'still here', { qos: 1 });
  const ended = eventually(() => !victim.connected);
  const isOut = await Promise.race([
    alive.then(
      () => false,
      () => true,
    ),
    ended.then(() => true),
  ]);
  await clients.close();
  return isOut;
}

/** What the platform hears of a channel of all receivers while something is done, until a message of B after it. */
async function platformHears(
  clients: Clients,
  channel: DeviceChannel,
  work: () => Promise<void>,
): Promise<string[]> {
  const platform = await clients.connect('platform');
  const heard: string[] = [];
  platform.on('message', (_, payload) => heard.push(payload.toString()));
  await platform.subscribeAsync(deviceTopic('+', channel), { qos: 0 });
  await work();
  const other = await clients.connect(B.id);
  await other.publishAsync(deviceTopic(B.id, channel), 'fence', { qos: 1 });
  await eventually(() => heard.includes('fence'));
  return heard;
}
