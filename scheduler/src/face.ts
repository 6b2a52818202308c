/** What other workspaces see of the broadcast centre: interfaces, so that tests may stand in for a part. */
import type {
  AddedDevice,
  DeviceSettings,
  Broadcast,
  BroadcastDetail,
  JoinAnswer,
  JoinRequest,
  LatencyChoice,
  LiveStart,
  NewBroadcast,
  NewDevice,
  Person,
  Retirement,
  TimeHealth,
  Today,
  WaitingBoard,
} from '@loalang/shared';
import type { LiveSession } from './air/index.ts';
import type { Stopped } from './broadcasts/index.ts';
import type { Officer } from './enrolment/index.ts';
import type { ListenAnswer, ListenRequest } from './fleet/index.ts';
import type { Library } from './library/index.ts';
import type { People } from './people/index.ts';
import type { Clock } from './time/index.ts';
import type { Units } from './units/index.ts';

export type { EndReason, LiveSession } from './air/index.ts';
export type { Stopped } from './broadcasts/index.ts';
export type { Officer } from './enrolment/index.ts';
export type { ListenAnswer, ListenRequest } from './fleet/index.ts';
export type { Clock, Timer } from './time/index.ts';

export interface Broadcasts {
  /** Sends a library file to everything below some units, now or at a time. */
  sendFile(person: Person, wanted: NewBroadcast): Promise<Broadcast>;
  /** Stops one broadcast on every receiver of the person's. */
  stop(person: Person, broadcastId: string): Promise<Stopped>;
  /** Stops all that sounds, or is about to, on the person's receivers. */
  stopAll(person: Person): Promise<Stopped>;
  today(person: Person): Promise<Today>;
  detail(person: Person, broadcastId: string): Promise<BroadcastDetail>;
}

export interface Air {
  goLive(person: Person, start: LiveStart): Promise<LiveSession>;
  /** How late a microphone would be heard in some units now. Throws NOT_FOUND or NO_RECEIVER. */
  latencies(person: Person, unitIds: readonly string[]): Promise<LatencyChoice>;
}

export interface Fleet {
  /** The receiver that shows this credential and token (each token works once), or null. */
  identify(credential: string, token: string): Promise<string | null>;
  /** Sets a receiver up; what it has to know goes out with its next plan. Throws NOT_FOUND. */
  change(person: Person, deviceId: string, settings: DeviceSettings): Promise<DeviceSettings>;
  /** JWS by the time key: what a receiver needs before it can sign in. */
  signedTime(nonce: string): Promise<string>;
  /** Is this asset one that the receiver still has to play? */
  mayFetchAsset(deviceId: string, sha256: string): Promise<boolean>;
  listen(person: Person, deviceId: string, wanted: ListenRequest): Promise<ListenAnswer>;
  /** Takes in what a listen command asked for; false where nobody asked this receiver for it. */
  takeRecording(deviceId: string, commandId: string, bytes: Buffer): boolean;
  /** Ogg Opus, for a minute after `listen`; null afterwards and for foreign receivers. */
  recording(person: Person, id: string): Promise<Buffer | null>;
  /** Shuts a receiver out for good. */
  revoke(deviceId: string): Promise<void>;
}

/** How boards come into service and leave it. Codes that are no good throw CODE_* or TOO_MANY_REQUESTS. */
export interface Enrolment {
  /** A board shows its key and its code: it waits for a person, is in, or is told that it no longer is. */
  join(request: JoinRequest, address?: string): Promise<JoinAnswer>;
  /** The board that waits with a code. */
  find(officer: Officer, code: string): Promise<WaitingBoard>;
  /** Gives the board with a code a new place. Throws NUMBER_TAKEN or NOT_FOUND. */
  add(officer: Officer, wanted: NewDevice): Promise<AddedDevice>;
  /** Puts the board with a code in a receiver's place; the former one is shut out. Throws NOT_FOUND. */
  exchange(officer: Officer, deviceId: string, code: string): Promise<AddedDevice>;
  /** Takes a receiver out of service for good; waits some seconds for its receipt. Throws NOT_FOUND. */
  retire(person: Person, deviceId: string): Promise<Retirement>;
}

/** The running broadcast centre. */
export interface Scheduler {
  readonly clock: Clock;
  /** Raw public root key, base64url: what receivers pin. */
  readonly rootPublic: string;
  readonly people: People;
  readonly units: Units;
  readonly library: Library;
  readonly broadcasts: Broadcasts;
  readonly air: Air;
  readonly fleet: Fleet;
  readonly enrolment: Enrolment;
  /** What is wrong with the platform's own time. */
  timeHealth(): TimeHealth;
  /** Something that `today` shows has changed. */
  onChange(listener: () => void): () => void;
  /** Makes the plans of all receivers again: after a change of policy. */
  refreshPlans(): Promise<void>;
  /** Stops all parts in reverse order; may be called twice. */
  close(): Promise<void>;
}
