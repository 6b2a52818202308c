// Aedes as anybody has it who follows its README, from the same package as ours.
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { portOf } from '../../device-agent/src/testing/port-of.ts';
import { answer } from './wire.ts';

const aedes = new Aedes();
await aedes.listen();
// Its README leaves Nagle's algorithm on; ours and mosquitto send at once, and what waits costs less.
const server = createServer({ noDelay: true }, (socket) => void aedes.handle(socket));
server.listen(0, '127.0.0.1', () => answer({ type: 'ready', port: portOf(server) }));
process.once('disconnect', () => process.exit(0));
