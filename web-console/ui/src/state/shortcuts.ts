/** Alt with one of these opens a page. Not single letters: those are typed. */
const pages: Readonly<Record<string, string>> = {
  Digit1: '/',
  Digit2: '/lich',
  Digit3: '/loa',
  KeyP: '/phat-ngay',
};

/** The page that a key press asks for; null where it asks for none. */
export function pageOfKey(
  event: Pick<KeyboardEvent, 'code' | 'altKey' | 'shiftKey' | 'ctrlKey' | 'metaKey'>,
) {
  const isPlainAlt = event.altKey && !event.shiftKey && !event.ctrlKey && !event.metaKey;
  return isPlainAlt ? (pages[event.code] ?? null) : null;
}
