import type { Readable } from 'node:stream';
import type { Air, Broadcasts, Clock, Fleet } from '@loalang/scheduler';
import type { Audio, MediaTime, NewPerson, Person, Unit } from '@loalang/shared';

/** A session just opened: the token goes to the browser and is kept nowhere else. */
export interface OpenedSession {
  readonly person: Person;
  readonly token: string;
  readonly expiresAt: MediaTime;
}

export interface People {
  signIn(input: { username: string; password: string }): Promise<OpenedSession>;
  signInByLink(token: string): Promise<OpenedSession>;
  session(token: string): Promise<{ person: Person } | null>;
  signOut(token: string): Promise<void>;
  changePassword(
    personId: string,
    change: { current: string | null; next: string; sessionToken: string | null },
  ): Promise<void>;
  list(by: Person): Promise<Person[]>;
  add(by: Person, wanted: NewPerson): Promise<Person>;
}

export interface Library {
  ingest(
    source: Readable,
    meta: { filename: string; personId: string; signal: AbortSignal; beforeCommit: () => Promise<void> },
  ): Promise<Audio>;
  list(): Promise<Audio[]>;
  /** Throws NOT_FOUND. */
  get(id: string): Promise<Audio & { sha256: string }>;
  path(sha256: string): string;
}

/** What the console needs of the broadcast centre. */
export interface Platform {
  readonly clock: Clock;
  readonly people: People;
  readonly units: { list(rootId: string): Promise<Unit[]> };
  readonly library: Library;
  readonly broadcasts: Broadcasts;
  readonly air: Air;
  readonly fleet: Fleet;
  onChange(listener: () => void): () => void;
}
