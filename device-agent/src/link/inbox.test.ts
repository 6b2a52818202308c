import { expect, it } from 'vitest';
import { deviceTopic } from '@loalang/shared';
import { Inbox } from './inbox.ts';

const ID = 'd-abcdefghij';

it('keeps no more waiting than two of the longest messages, and takes more once they are worked on', async () => {
  const taken: number[] = [];
  const refused: string[] = [];
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const inbox = new Inbox({
    deviceId: ID,
    nowUs: () => 0,
    refuse: (reason) => refused.push(reason),
    onControl: async ({ jws }) => {
      taken.push(jws.length);
      await held;
    },
    onAudio: () => {},
    onRepair: () => {},
    onFailure: () => {},
  });
  const plan = Buffer.alloc(4_000_000, 'x');
  for (let count = 0; count < 5; count += 1) inbox.take(deviceTopic(ID, 'plan'), plan);
  // One is being worked on, two wait.
  expect(refused).toEqual(['too-many', 'too-many']);
  goOn();
  await inbox.settled();
  inbox.take(deviceTopic(ID, 'plan'), plan);
  await inbox.settled();
  expect(taken).toHaveLength(4);
});
