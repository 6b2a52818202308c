import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorCatalogue, LoaLangError, sentence } from './index.ts';

test('every error of the catalogue stands in docs/errors.md, and no other', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(documented).toEqual(Object.keys(errorCatalogue));
});

test('the Vietnamese and the English sentence of an error name the same details', () => {
  const detailsOf = (text: string) => new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  for (const { vi, en } of Object.values(errorCatalogue)) expect(detailsOf(vi)).toEqual(detailsOf(en));
});

test('a sentence names the offending value', () => {
  expect(sentence('AUDIO_TOO_BIG', 'vi', { limitMB: 300 })).toBe(
    'Tệp lớn hơn 300 MB. Nén lại thành mp3 hoặc cắt ngắn rồi tải lên.',
  );
  expect(new LoaLangError('PORT_TAKEN', { port: 1883, variable: 'LOALANG_BROKER_PORT' }).message).toBe(
    'PORT_TAKEN: Port 1883 is in use by another program. Stop it, or set LOALANG_BROKER_PORT.',
  );
});
