// What Node does at least: whatever one socket says is written to all others, with no broker at all.
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { portOf } from '../../device-agent/src/testing/port-of.ts';
import { answer } from './wire.ts';

const listeners = new Set<Socket>();

const forReceivers = createServer({ noDelay: true }, (socket) => {
  listeners.add(socket);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => listeners.delete(socket));
  socket.resume();
});
const forSpeaker = createServer((socket) => {
  socket.on('data', (bytes) => {
    for (const listener of listeners) listener.write(bytes);
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return portOf(server);
}

const port = await listen(forReceivers);
answer({ type: 'ready', port, speakerPort: await listen(forSpeaker) });
process.once('disconnect', () => process.exit(0));
