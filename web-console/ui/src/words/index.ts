import { vi, type Words } from './vi.ts';

export type Language = 'vi' | 'en';

const STORED_AS = 'loalang.language';

/** The words of the chosen language. Chosen once, before anything is drawn: a change loads the page again. */
export let words: Words = vi;
export let language: Language = 'vi';

/** Loads the language that this browser chose before; Vietnamese costs no request. */
export async function loadWords(): Promise<void> {
  if (localStorage.getItem(STORED_AS) !== 'en') return;
  words = (await import('./en.ts')).en;
  language = 'en';
  document.documentElement.lang = 'en';
}

/** Remembers the language and starts again in it. */
export function chooseLanguage(next: Language): void {
  localStorage.setItem(STORED_AS, next);
  location.reload();
}
