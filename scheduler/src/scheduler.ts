import type {
  Broadcast,
  BroadcastDetail,
  JoinAnswer,
  JoinRequest,
  LiveStart,
  MediaTime,
  NewBroadcast,
  Person,
  Today,
} from '@loalang/shared';
import type { Logger } from 'pino';

/** All that the broadcast centre needs to know of the world. */
export interface SchedulerConfig {
  /** Keys, the embedded database and audio lie below it. */
  readonly dataFolder: string;
  /** Your own PostgreSQL instead of the embedded one. */
  readonly databaseUrl?: string;
  readonly broker: {
    readonly url: string;
    /** The audience of tokens. */
    readonly name: string;
    /** What receivers are told at joining; the same as `url` where absent. */
    readonly publicUrl?: string;
  };
  /** Sample units and receivers, put in once. */
  readonly sample?: Sample;
  readonly log?: Logger;
}

export interface Sample {
  units: { id: string; parentId: string | null; kind: string; name: string }[];
  devices: { unitId: string; number: number; name: string; joinCode: string }[];
}

export interface Clock {
  /** Media time: monotonic, slewed to the system's clock. */
  now(): MediaTime;
  after(ms: number, fn: () => void): Timer;
}
export interface Timer {
  cancel(): void;
}

export interface Broadcasts {
  sendFile(person: Person, wanted: NewBroadcast): Promise<Broadcast>;
  stop(person: Person, broadcastId: string): Promise<Stopped>;
  stopAll(person: Person): Promise<Stopped>;
  today(person: Person): Promise<Today>;
  detail(person: Person, broadcastId: string): Promise<BroadcastDetail>;
}
export interface Stopped {
  stopped: string[];
  deviceCount: number;
}

export type EndReason = 'speaker' | 'stopped' | 'time-box';
export interface LiveSession {
  readonly broadcastId: string;
  readonly streamId: string;
  readonly latencyMs: number;
  readonly endsAt: MediaTime;
  readonly deviceCount: number;
  /** 20 ms Opus frames. */
  pushFrames(frames: readonly Uint8Array[]): void;
  /** 48 kHz mono, whole blocks of 960 samples. */
  pushPcm(samples: Int16Array): void;
  end(): Promise<void>;
  /** Called once; at once where it has ended already. */
  onEnded(listener: (reason: EndReason) => void): void;
}
export interface Air {
  goLive(person: Person, start: LiveStart): Promise<LiveSession>;
}

export interface ListenRequest {
  from: MediaTime | null;
  durationMs: number;
}
export interface ListenAnswer {
  id: string;
  from: MediaTime;
  durationMs: number;
}
export interface Fleet {
  join(request: JoinRequest): Promise<JoinAnswer>;
  /** The receiver that shows this credential and token (each token works once), or null. */
  identify(credential: string, token: string): Promise<string | null>;
  /** JWS by the time key: what a receiver needs before it can sign in. */
  signedTime(nonce: string): Promise<string>;
  /** Is this asset in the receiver's plan? */
  mayFetchAsset(deviceId: string, sha256: string): Promise<boolean>;
  listen(person: Person, deviceId: string, wanted: ListenRequest): Promise<ListenAnswer>;
  /** Takes in what a listen command asked for; false where nobody asked this receiver for it. */
  takeRecording(deviceId: string, commandId: string, bytes: Buffer): boolean;
  /** Ogg Opus, for a minute after `listen`; null afterwards and for foreign receivers. */
  recording(person: Person, id: string): Promise<Buffer | null>;
}

/** The running broadcast centre. `people`, `units`, `library` follow with their classes. */
export interface Scheduler {
  readonly clock: Clock;
  /** Raw public root key, base64url: what receivers pin. */
  readonly rootPublic: string;
  readonly broadcasts: Broadcasts;
  readonly air: Air;
  readonly fleet: Fleet;
  /** Something that `today` shows has changed. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Builds and starts all parts in order; `close` stops them in reverse. */
export async function createScheduler(_config: SchedulerConfig): Promise<Scheduler> {
  await Promise.resolve();
  throw new Error('not built yet');
}
