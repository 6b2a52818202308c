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
  signIn(username: string, password: string): Promise<OpenedSession>;
  signInByLink(token: string): Promise<OpenedSession>;
  findBySession(token: string): Promise<Person | null>;
  signOut(token: string): Promise<void>;
  changePassword(
    person: Person,
    change: { current: string | null; next: string },
    keepToken: string,
  ): Promise<void>;
  list(person: Person): Promise<Person[]>;
  add(person: Person, wanted: NewPerson): Promise<Person>;
}

export interface Library {
  readonly maxUploadBytes: number;
  ingest(
    source: Readable,
    meta: { filename: string; personId: string; signal: AbortSignal; beforeCommit: () => Promise<void> },
  ): Promise<Audio>;
  list(person: Person): Promise<Audio[]>;
  get(person: Person, id: string): Promise<Audio>;
  find(person: Person, id: string): Promise<{ sha256: string }>;
  path(sha256: string): string;
}

/** What the console needs of the broadcast centre. */
export interface Platform {
  readonly clock: Clock;
  readonly people: People;
  readonly units: { list(person: Person): Promise<Unit[]> };
  readonly library: Library;
  readonly broadcasts: Broadcasts;
  readonly air: Air;
  readonly fleet: Fleet;
  onChange(listener: () => void): () => void;
}
