import type { Logger } from 'pino';
import type { MonotonicClock } from './clock/index.ts';
import type { Board } from './health/index.ts';
import type { Sink, SinkSettings } from './sink/index.ts';

/** What an agent is made of. */
export interface AgentOptions {
  readonly dataFolder: string;
  readonly platformUrl: string;
  /** The root's public key, pinned: whatever it has not certified is not believed. */
  readonly rootKey: string;
  /** Instead of the address told at joining. */
  readonly brokerUrl?: string;
  /** PEM: whose certificates the broker's may be of, instead of those that Node.js believes. */
  readonly brokerCa?: string;
  /** A code that the platform knows beforehand; without one the agent makes its own and says it. */
  readonly joinCode?: string;
  readonly board: Board;
  /** Where sound goes: an object, played in this thread, or settings, played in a thread of its own. */
  readonly sink: Sink | SinkSettings;
  readonly clock?: MonotonicClock;
  /** Microseconds since the boot, sleeps of the board included. */
  readonly bootUs?: () => number;
  readonly log?: Logger;
  /** 0 to 1, for jitter. */
  readonly random?: () => number;
  readonly maxCacheBytes?: number;
  /** It was told to forget everything. Whoever runs it closes it and starts it anew, as a board that nobody knows. */
  readonly onWiped?: () => void;
  /** Off: it never asks for packets that did not come, so that a benchmark can tell what asking is worth. */
  readonly asksRepair?: boolean;
}

/** The options with everything that may be left out. */
export type FullOptions = AgentOptions & Required<Pick<AgentOptions, 'clock' | 'bootUs' | 'log' | 'random'>>;
