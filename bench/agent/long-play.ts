// A process of its own, so that nothing else is in its memory: hours of a live stream through the agent's playout on
// virtual time, with a card that is 50 ppm off. Sends its memory after each ten minutes of audio.
import { setImmediate as turn } from 'node:timers/promises';
import { Playout } from '@loalang/device-agent';
import { mediaTime, type LiveStream, type MediaTime } from '@loalang/shared';
import { createOpusDecoder, createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import { generateSigningKey, signAudioPacket, verifyAudioPacket } from '@loalang/shared/signing';
import { speechFrames } from '../material/speech-frames.ts';

export interface MemorySample {
  readonly atHours: number;
  readonly rssMB: number;
  readonly heapMB: number;
}

const START_US = 1_795_500_000_000_000;
const LATENCY_MS = 1_000;
const FRAME_US = 20_000;
const FRAMES_A_PACKET = 3;
const PACKET_US = FRAMES_A_PACKET * FRAME_US;
const BLOCK = 480;
/** A card that is this much slow: the resampler always works. */
const PACE = 1.00005;
const BLOCK_US = (BLOCK / 0.048) * PACE;
const SAMPLE_EVERY_US = 600e6;
/** Each so many packets one is lost, so that concealment works too. */
const LOST_EACH = 97;
const MATERIAL_FRAMES = 1_500;
const STREAM_ID = '0'.repeat(31) + '1';

const hours = Number(process.argv[2]);
const gc = globalThis.gc;
if (gc === undefined || process.send === undefined) throw new Error('to be started by `bench agent`');

const signer = generateSigningKey();
const frames = await encodedSpeech();
const toMediaTime = (us: number): MediaTime => mediaTime(Math.round(START_US + us));
const stream: LiveStream = {
  id: STREAM_ID,
  title: 'bench',
  priority: 'priority',
  startAt: toMediaTime(0),
  latencyMs: LATENCY_MS,
  expiresAt: toMediaTime((hours + 1) * 3600e6),
  key: signer.public,
};
const playout = new Playout({
  createDecoder: createOpusDecoder,
  timeline: { toMediaTime },
  onProof: () => undefined,
  onSounding: () => undefined,
  onFault: (error) => {
    throw error;
  },
});
playout.setNow({ streams: [stream], stopped: [], volume: 80, isMuted: false });

const out = new Float32Array(BLOCK);
let packets = 0;
let sampledUs = 0;
let squares = 0;
for (let nowUs = 0; nowUs < hours * 3600e6; nowUs += BLOCK_US) {
  while (packets * PACKET_US <= nowUs) send(packets++, nowUs);
  playout.render(nowUs, out, PACE);
  for (const sample of out) squares += sample * sample;
  if (packets % 16 === 0) await turn();
  if (nowUs - sampledUs >= SAMPLE_EVERY_US) {
    sampledUs = nowUs;
    tell(nowUs);
  }
}
if (squares === 0) throw new Error('nothing was heard');
playout.close();
process.disconnect();

/** As it would come over the link: signed, and verified here. */
function send(number: number, nowUs: number): void {
  if (number % LOST_EACH === LOST_EACH - 1) return;
  const first = number * FRAMES_A_PACKET;
  const packet = {
    sequence: first,
    mediaTime: toMediaTime(first * FRAME_US + LATENCY_MS * 1_000),
    isLast: false,
    frames: Array.from(
      { length: FRAMES_A_PACKET },
      (_, index) => frames[(first + index) % frames.length] ?? new Uint8Array(1),
    ),
  };
  const bytes = signAudioPacket(packet, STREAM_ID, signer.privateKey);
  const verified = verifyAudioPacket(bytes, STREAM_ID, signer.publicKey);
  if (!verified.ok) throw new Error('a packet does not verify');
  playout.insert(STREAM_ID, verified.packet, nowUs);
}

function tell(nowUs: number): void {
  gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const sample: MemorySample = {
    atHours: nowUs / 3600e6,
    rssMB: rss / 1e6,
    heapMB: (heapUsed + external) / 1e6,
  };
  process.send?.(sample);
}

async function encodedSpeech(): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder();
  const encoded = speechFrames(MATERIAL_FRAMES).map((frame) =>
    Uint8Array.from(encoder.encode(frame.subarray(0, FRAME_SAMPLES))),
  );
  encoder.close();
  return encoded;
}
