const MAX_TITLE_CHARACTERS = 200;

/** A title from the name of an uploaded file: without folders and extension, in one Unicode form. */
export function titleOf(filename: string): string {
  const base = filename.split(/[/\\]/).at(-1) ?? '';
  const text = base
    .replace(/\.[A-Za-z0-9]{1,5}$/, '')
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .replace(/[\s_]+/g, ' ')
    .trim();
  return Array.from(text).slice(0, MAX_TITLE_CHARACTERS).join('') || 'Âm thanh';
}
