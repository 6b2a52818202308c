// Connections without any right, as fast as this process can make them; run as a process of its own. `ATTACK` says which.
import { connect, type Socket } from 'node:net';
import { generate } from 'mqtt-packet';
import { z } from 'zod';

/** `half-open`: half a CONNECT, and then nothing. `guesses`: a CONNECT with a credential and a token of nobody. */
export const attackSchema = z.object({
  kind: z.enum(['half-open', 'guesses']),
  port: z.number(),
  /** Connections at a time; one that ends is followed by the next. */
  connections: z.number(),
});
export type Attack = z.infer<typeof attackSchema>;

const attack = attackSchema.parse(JSON.parse(process.env['ATTACK'] ?? 'null'));
/** A JWS in form, so that the broker looks at it as closely as it can. */
const jws = (bytes: number): string =>
  [
    Buffer.from(JSON.stringify({ alg: 'EdDSA', kid: '0123456789abcdef' })),
    Buffer.alloc(bytes),
    Buffer.alloc(64),
  ]
    .map((part) => part.toString('base64url'))
    .join('.');
const guess = generate({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  keepalive: 60,
  clientId: 'd-aaaaaaaaaa',
  username: jws(600),
  password: Buffer.from(jws(200)),
});
const words = attack.kind === 'guesses' ? guess : guess.subarray(0, guess.byteLength / 2);

for (let slot = 0; slot < attack.connections; slot += 1) open();
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready' });

function open(): void {
  const socket: Socket = connect({ host: '127.0.0.1', port: attack.port });
  socket.on('error', () => socket.destroy());
  socket.on('connect', () => socket.write(words));
  socket.on('close', () => setImmediate(open));
  socket.resume();
}
