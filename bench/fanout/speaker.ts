// The process that publishes: real packets of speech, each signed, at the moments at which they are due.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { mediaTime, streamTopic, type AudioPacket } from '@loalang/shared';
import { createOpusEncoder } from '@loalang/shared/opus';
import { generateSigningKey, signAudioPacket } from '@loalang/shared/signing';
import { generate } from 'mqtt-packet';
import { speechFrames } from '../material/speech-frames.ts';
import {
  answer,
  LATENCY_MS,
  nowUs,
  STREAM_ID,
  toSpeakerSchema,
  utcOffsetUs,
  type ToSpeaker,
} from './wire.ts';

const BITRATE = 24_000;
const SPEECH_FRAMES = 600;
const FRAMES_A_PACKET = 3;
const MAX_FRAMES = 6;
const MAX_FRAME_BYTES = 1275;
const key = generateSigningKey();
const toMediaUs = utcOffsetUs() + LATENCY_MS * 1000;

/** Groups of frames, one for each packet, over and over. */
const materials = {
  speech: await speech(),
  largest: [Array.from({ length: MAX_FRAMES }, () => new Uint8Array(MAX_FRAME_BYTES).fill(1))],
};

async function speech(): Promise<Uint8Array[][]> {
  const encoder = await createOpusEncoder({ bitrate: BITRATE });
  const frames = speechFrames(SPEECH_FRAMES).map((samples) => encoder.encode(samples));
  encoder.close();
  return Array.from({ length: SPEECH_FRAMES / FRAMES_A_PACKET }, (_, index) =>
    frames.slice(index * FRAMES_A_PACKET, (index + 1) * FRAMES_A_PACKET),
  );
}

/** One spell of speaking: a packet for each moment of a steady beat; what was missed is made up for at once. */
class Spell {
  readonly #socket: Socket;
  readonly #groups: readonly (readonly Uint8Array[])[];
  readonly #periodUs: number;
  readonly #startUs = nowUs();
  #timer: NodeJS.Timeout | undefined;
  packets = 0;
  bytes = 0;

  constructor(socket: Socket, message: Extract<ToSpeaker, { type: 'speak' }>) {
    this.#socket = socket;
    this.#groups = materials[message.material];
    this.#periodUs = 1e6 / message.packetsPerSecond;
  }

  readonly speak = (): void => {
    while (this.#dueUs <= nowUs()) this.#send();
    this.#timer = setTimeout(this.speak, Math.max(0, (this.#dueUs - nowUs()) / 1000));
  };

  stop(): void {
    clearTimeout(this.#timer);
  }

  get #dueUs(): number {
    return this.#startUs + this.packets * this.#periodUs;
  }

  #send(): void {
    const packet: AudioPacket = {
      sequence: this.packets,
      mediaTime: mediaTime(Math.round(this.#dueUs + toMediaUs)),
      isLast: false,
      frames: this.#groups[this.packets % this.#groups.length] ?? [],
    };
    const payload = Buffer.from(signAudioPacket(packet, STREAM_ID, key.privateKey));
    const topic = streamTopic(STREAM_ID);
    const bytes = generate({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
    this.#socket.write(bytes);
    this.packets += 1;
    this.bytes += bytes.length;
  }
}

let socket: Socket | null = null;
let spell: Spell | null = null;

async function join(port: number, greeting: readonly string[]): Promise<void> {
  socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('close', () => fail('the connection was closed'));
  await once(socket, 'connect');
  for (const packet of greeting) {
    socket.write(Buffer.from(packet, 'base64'));
    await once(socket, 'data');
  }
  // A keepalive of 120 s that no measurement is to see.
  socket.resume();
  answer({ type: 'joined' });
}

function obey(message: ToSpeaker): void {
  switch (message.type) {
    case 'join':
      join(message.port, message.greeting).catch(fail);
      return;
    case 'speak':
      if (socket === null) throw new Error('not joined');
      spell = new Spell(socket, message);
      spell.speak();
      return;
    case 'stop':
      spell?.stop();
      answer({ type: 'stopped', packets: spell?.packets ?? 0, bytes: spell?.bytes ?? 0 });
  }
}

function fail(error: unknown): void {
  console.error('speaker:', error);
  process.exit(1);
}

process.on('message', (message) => obey(toSpeakerSchema.parse(message)));
process.once('disconnect', () => process.exit(0));
answer({ type: 'ready' });
