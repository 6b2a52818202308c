import type { Person, Unit } from '@loalang/shared';
import { api, whenSignedOut } from '../api.ts';
import { clock } from './clock.svelte.ts';
import { today } from './today.svelte.ts';

/** Who is signed in, and the units below theirs. */
class Session {
  person = $state.raw<Person | null>(null);
  units = $state.raw<readonly Unit[]>([]);
  /** The server forgot the session while somebody worked: they sign in again over the page, which stays. */
  isExpired = $state(false);

  readonly unit: Unit | null = $derived(this.units.find(({ id }) => id === this.person?.unit.id) ?? null);

  constructor() {
    whenSignedOut(() => {
      if (this.person !== null) this.isExpired = true;
    });
  }

  /** Finds out at the start whether the browser's cookie still holds. False: the server was not reached. */
  async resume(): Promise<boolean> {
    const answer = await api.me();
    if (answer.ok) await this.enter(answer.value);
    return answer.ok || answer.failure.code !== 'OFFLINE';
  }

  /** Starts working as a person. Another person than before must not find the first one's page. */
  async enter(person: Person): Promise<void> {
    if (this.person !== null && this.person.id !== person.id) this.leave();
    this.person = person;
    this.isExpired = false;
    const units = await api.units();
    if (units.ok) this.units = units.value;
    clock.start();
    today.open();
  }

  async signOut(): Promise<void> {
    await api.signOut();
    this.leave();
  }

  leave(): void {
    today.close();
    clock.stop();
    this.person = null;
    this.units = [];
    this.isExpired = false;
  }
}

export const session = new Session();
