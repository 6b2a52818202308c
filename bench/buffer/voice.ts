import { randomBytes } from 'node:crypto';
import { addMs, decodeAudioPacket, readPacketEnd, streamTopic, type LiveStream } from '@loalang/shared';
import { FRAME_US } from '@loalang/shared/opus';
import { generateSigningKey } from '@loalang/shared/signing';
import { systemClock } from '@loalang/device-agent';
import { Session } from '../../scheduler/src/air/live-session.ts';
import type { SentPacket } from './oracle.ts';
import type { BenchPlatform } from './platform.ts';

const FRAME_MS = FRAME_US / 1000;

/** One live stream of a platform: stamped and signed by the real session, kept for repair, and noted packet by packet. */
export class Voice {
  readonly stream: LiveStream;
  readonly sent: SentPacket[] = [];
  readonly #session: Session;
  #frames = 0;

  constructor(platform: BenchPlatform, latencyMs: number, seconds: number) {
    const { clock, history } = platform;
    const key = generateSigningKey();
    const startAt = clock.now();
    const expiresAt = addMs(startAt, seconds * 1000 + latencyMs);
    const id = randomBytes(16).toString('hex');
    this.stream = {
      id,
      title: 'bench',
      priority: 'priority',
      startAt,
      latencyMs,
      expiresAt,
      key: key.public,
    };
    history.open(id);
    this.#session = new Session({
      broadcastId: id,
      latencyMs,
      endsAt: addMs(expiresAt, -latencyMs),
      expiresAt,
      deviceCount: 1,
      privateKey: key.privateKey,
      clock,
      encoder: null,
      send: (packet) => {
        this.#note(packet);
        history.keep(id, packet, clock.now());
        return platform.link.send(streamTopic(id), packet);
      },
      finish: async () => undefined,
    });
  }

  push(frame: Uint8Array): void {
    this.#session.pushFrames([frame]);
  }

  async end(): Promise<void> {
    await this.#session.end();
  }

  /** As if the machine had been in time: the link is asked about what was meant, so that each run asks it the same. */
  #note(bytes: Uint8Array): void {
    const packet = decodeAudioPacket(bytes);
    if (packet === null || readPacketEnd(bytes) === null) throw new Error('the session sends no packets');
    const frames = packet.frames.length;
    const startUs = this.#frames * FRAME_US;
    // A packet leaves with its last frame.
    const sentUs = startUs + (frames - 1) * FRAME_US;
    this.sent.push({
      sentUs,
      heardUs: startUs + this.stream.latencyMs * 1000,
      frames,
      bytes: bytes.byteLength,
    });
    this.#frames += frames;
  }
}

/** Speaks into all of them in real time, frame by frame, for so long; returns how late it was at worst, ms. */
export async function speak(
  voices: readonly Voice[],
  frames: readonly Uint8Array[],
  seconds: number,
): Promise<number> {
  const startUs = systemClock.nowUs();
  const count = Math.floor((seconds * 1000) / FRAME_MS);
  let lagUs = 0;
  for (let index = 0; index < count; index += 1) {
    const dueUs = startUs + index * FRAME_US;
    await until(dueUs);
    lagUs = Math.max(lagUs, systemClock.nowUs() - dueUs);
    const frame = frames[index % frames.length];
    if (frame !== undefined) for (const voice of voices) voice.push(frame);
  }
  for (const voice of voices) await voice.end();
  return lagUs / 1000;
}

/** Waits until a moment of the monotonic clock. */
export async function until(atUs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    systemClock.after(Math.max(0, (atUs - systemClock.nowUs()) / 1000), resolve);
  });
}
