// The story of the listening test, and what a perfect receiver makes heard of it. Moments are true seconds.
import type { LinkStory } from '@loalang/firmware-sim';
import type { AudioPacket, LiveStream } from '@loalang/shared';
import type { Expected } from './gaps.ts';
import type { Part } from './part.ts';
import { idOf, mediaAt, packetsOf, type ListenedReceiver } from './receiver.ts';
import { record, speakLive, voice, type Recorded, type Spoken } from './voices.ts';

export const SECONDS = 49;
const SAMPLE_RATE = 48_000;

const BULLETIN_S = 10;
const LIVE_S = 13;
const SIGNAL_S = 17;
const EMERGENCY_S = 20;
const EMERGENCY_ENDS_S = 23;
const LIVE_ENDS_S = 32;
const QUIETER_S = 33.5;
const VOLUME = 60;
const FARTHER_S = 35;
const FARTHER_MS = 2;
const STOPPED_S = 43;
const NEXT_S = 45;
const NEXT_OFFSET_MS = 250;
const NEXT_ENDS_S = NEXT_S + 3 + NEXT_OFFSET_MS / 1000;
const LATENCY_MS = 1_000;
/** What is told comes over the link and is heard what the card holds (200 ms), 5 ms, a block and a fade later: within so long. */
export const TOLD_S = 0.32;

/** What is lost of the live stream: from a moment at which it would be heard, for so many frames of 20 ms; some in a vowel. */
const LOST: readonly (readonly [fromS: number, frames: number])[] = [
  [13.28, 10],
  [14, 1],
  [14.6, 3],
  [15.2, 10],
  [15.68, 10],
  [16.24, 35],
  [24, 100],
  [26.3, 10],
  [27.66, 10],
  [30.3, 10],
  [30.68, 10],
  [31.28, 10],
];
/** The link is gone, and the connection with it; what was sent meanwhile is sent again soon after it is back. */
const OUT = { fromS: 27, forS: 2.3 };
const SENT_AGAIN_S = OUT.fromS + OUT.forS + 0.5;

const way = { delayMs: 30, jitter: { kind: 'exponential', meanMs: 8, maxMs: 1_000 } } as const;
const direction = { ...way, capacity: { kind: 'unlimited' } } as const;
export const LINK: LinkStory = {
  profile: { up: direction, down: direction },
  outages: [{ fromUs: OUT.fromS * 1e6, forUs: OUT.forS * 1e6 }],
};

export interface Voices {
  readonly bulletin: Recorded;
  readonly next: Recorded;
  readonly live: Spoken;
  readonly emergency: Spoken;
}

export const makeVoices = async (): Promise<Voices> => ({
  bulletin: await record(voice(34, 150, 1)),
  next: await record(voice(3, 175, 2)),
  live: await speakLive(voice(LIVE_ENDS_S - LIVE_S, 130, 3)),
  emergency: await speakLive(voice(EMERGENCY_ENDS_S - EMERGENCY_S, 165, 4)),
});

const stream = (id: number, priority: LiveStream['priority'], heardS: number): LiveStream => ({
  id: idOf(id),
  title: 'Trực tiếp',
  priority,
  startAt: mediaAt(heardS - LATENCY_MS / 1000),
  latencyMs: LATENCY_MS,
  expiresAt: mediaAt(SECONDS),
  key: 'A'.repeat(43),
});
const LIVE = stream(1, 'priority', LIVE_S);
const EMERGENCY = stream(2, 'emergency', EMERGENCY_S);

/** Tells a receiver all of the story; it happens when it runs. */
export function perform(receiver: ListenedReceiver, { bulletin, next, live, emergency }: Voices): void {
  const item = (id: number, startS: number, durationMs: number, { open }: Recorded) => ({
    broadcastId: idOf(id),
    title: 'Bản tin',
    priority: 'normal' as const,
    startAt: mediaAt(startS),
    durationMs,
    asset: { sha256: '0'.repeat(64), bytes: 1 },
    openAudio: open,
  });
  const plan = [item(11, BULLETIN_S, 34_000, bulletin), item(12, NEXT_S, 3_000, next)];
  receiver.tell(1, (playout) => playout.setPlan(plan, { utcOffsetMinutes: 420, quietHours: [] }));
  receiver.tellNow(11, { streams: [LIVE] });
  receiver.tellNow(16, { streams: [LIVE, EMERGENCY] });
  receiver.tellNow(QUIETER_S, { volume: VOLUME });
  receiver.tell(FARTHER_S, (playout) => playout.setAcousticOffset(FARTHER_MS));
  receiver.tellNow(STOPPED_S, { volume: VOLUME, stopped: [idOf(11)] });
  receiver.tell(44, (playout) => playout.setAcousticOffset(NEXT_OFFSET_MS));
  for (const packet of packetsOf(emergency.frames, EMERGENCY_S)) receiver.send(EMERGENCY, packet);
  for (const packet of packetsOf(live.frames, LIVE_S)) sendOverLink(receiver, packet);
}

// Each frame is a packet of its own, so that one alone can be lost. What is sent while the link is out is sent again later.
function sendOverLink(receiver: ListenedReceiver, packet: AudioPacket): void {
  packet.frames.forEach((frame, index) => {
    const heardS = (packet.mediaTime - mediaAt(0)) / 1e6 + index * 0.02;
    if (isLost(heardS)) return;
    const sentS = heardS - LATENCY_MS / 1000;
    const isOut = sentS >= OUT.fromS && sentS < SENT_AGAIN_S;
    const one: AudioPacket = {
      sequence: packet.sequence + index,
      mediaTime: mediaAt(heardS),
      isLast: packet.isLast && index === packet.frames.length - 1,
      frames: [frame],
    };
    receiver.send(LIVE, one, isOut ? SENT_AGAIN_S : 0);
  });
}

const isLost = (heardS: number): boolean =>
  LOST.some(([fromS, frames]) => heardS > fromS - 0.01 && heardS < fromS + frames * 0.02 - 0.01);

/** What is heard when, from the truth alone. */
export function idealParts({ bulletin, next, live, emergency }: Voices): Part[] {
  const part = (samples: Float32Array, startS: number, fromS: number, toS: number): Part => ({
    samples,
    startS,
    fromS,
    toS,
  });
  const nextS = NEXT_S + NEXT_OFFSET_MS / 1000;
  return [
    part(bulletin.samples, BULLETIN_S, BULLETIN_S, LIVE_S),
    part(live.samples, LIVE_S, LIVE_S, SIGNAL_S),
    part(twoTones(), SIGNAL_S, SIGNAL_S, EMERGENCY_S),
    part(emergency.samples, EMERGENCY_S, EMERGENCY_S, EMERGENCY_ENDS_S),
    part(live.samples, LIVE_S, EMERGENCY_ENDS_S, LIVE_ENDS_S),
    part(bulletin.samples, BULLETIN_S, LIVE_ENDS_S, STOPPED_S),
    part(next.samples, nextS, nextS, NEXT_ENDS_S),
  ];
}

/** 853 and 960 Hz, each a quarter of full scale, for three seconds: docs/timing.md tells why. */
const twoTones = (): Float32Array =>
  Float32Array.from({ length: 3 * SAMPLE_RATE }, (_, index) =>
    [853, 960].reduce((sum, hz) => sum + 0.25 * Math.sin((2 * Math.PI * hz * index) / SAMPLE_RATE), 0),
  );

/** How much later than media time it is to be heard at a moment: a change is worked off at 300 ppm. */
export const idealLateMs = (atS: number): number =>
  atS < FARTHER_S || atS > STOPPED_S ? 0 : Math.min(FARTHER_MS, (atS - FARTHER_S) * 0.3);

/** How loud: half the number is a quarter of the amplitude. */
export const idealGain = (atS: number): number => (atS < QUIETER_S ? 1 : (VOLUME / 100) ** 2);

/** Concealment sounds for 100 ms and is faded over the next 20; it may be too soft to be heard some time before. */
const CONCEALED_S = [0.02, 0.13] as const;
const gapOf = (fromS: number, toS: readonly [number, number]): Expected => ({
  fromS: [fromS + CONCEALED_S[0], fromS + CONCEALED_S[1]],
  toS,
});
/** 2 ms of the clock, 2 of the detector, and 5 in which a voice rises. */
const EDGE_S = 0.009;
const about = (atS: number): readonly [number, number] => [atS - EDGE_S, atS + EDGE_S];

/** Where it is silent, from the truth alone; nowhere else. */
export function idealSilences(): Expected[] {
  const lost = LOST.filter(([, frames]) => frames > 6).map(([fromS, frames]) =>
    gapOf(fromS, about(fromS + frames * 0.02)),
  );
  const outS = OUT.fromS + LATENCY_MS / 1000;
  return [
    { fromS: [0, 0], toS: about(BULLETIN_S) },
    ...lost,
    // All that waited comes in one row.
    gapOf(outS, [SENT_AGAIN_S, SENT_AGAIN_S + TOLD_S + 0.1]),
    { fromS: [STOPPED_S, STOPPED_S + TOLD_S], toS: about(NEXT_S + NEXT_OFFSET_MS / 1000) },
    { fromS: about(NEXT_ENDS_S), toS: [SECONDS - 0.1, SECONDS] },
  ];
}

/** Moments at which for a little while not one voice alone is heard as it is: fades, and what a decoder needs after a gap. */
export const unsettledS: readonly (readonly [number, number])[] = [
  ...LOST.map(([fromS, frames]) => [fromS, fromS + frames * 0.02 + 0.1] as const),
  [OUT.fromS + LATENCY_MS / 1000, SENT_AGAIN_S + TOLD_S + 0.2],
  ...[BULLETIN_S, LIVE_S, SIGNAL_S, EMERGENCY_S, EMERGENCY_ENDS_S, LIVE_ENDS_S, NEXT_ENDS_S].map(
    (atS) => [atS - 0.03, atS + 0.1] as const,
  ),
  [QUIETER_S, QUIETER_S + TOLD_S + 0.1],
  [STOPPED_S - 0.03, STOPPED_S + 0.1],
];
