import type { Audio, Priority } from '@loalang/shared';

import { readAnswer } from '../api.ts';

export interface Draft {
  audio: Audio | null;
  title: string;
  unitIds: string[];
  date: string;
  clock: string;
  priority: Exclude<Priority, 'emergency'>;
}

const STORED_AS = 'loalang.draft';
const empty = (): Draft => ({ audio: null, title: '', unitIds: [], date: '', clock: '', priority: 'normal' });

/** The form that is being filled in. Kept in this browser until it is sent, through a lost network or an ended session. */
class DraftStore {
  value = $state<Draft>(empty());
  #personId = '';

  /** Brings back what this person had begun. */
  load(personId: string): void {
    if (this.#personId === personId) return;
    this.#personId = personId;
    this.value = empty();
    const stored = localStorage.getItem(`${STORED_AS}.${personId}`);
    if (stored === null) return;
    try {
      this.value = { ...empty(), ...readAnswer<Partial<Draft>>(stored) };
    } catch {
      this.clear();
    }
  }

  keep(): void {
    localStorage.setItem(`${STORED_AS}.${this.#personId}`, JSON.stringify(this.value));
  }

  clear(): void {
    localStorage.removeItem(`${STORED_AS}.${this.#personId}`);
    this.value = empty();
  }
}

export const draft = new DraftStore();
