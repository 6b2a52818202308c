import { startBehindHaproxy, startWithTls } from './behind-tls.ts';
import {
  startBare,
  startMosquitto,
  startOurs,
  startStock,
  type Contestant,
  type ContestantName,
  type Grounds,
} from './contestants.ts';

/** How each is started. */
export const starters: Record<ContestantName, (grounds: Grounds) => Promise<Contestant>> = {
  send: async (grounds) => (await startOurs(grounds, 'send')).contestant,
  'socket-write': async (grounds) => (await startOurs(grounds, 'socket-write')).contestant,
  stock: startStock,
  mosquitto: startMosquitto,
  bare: startBare,
  tls: startWithTls,
  haproxy: startBehindHaproxy,
};
