import { LoaLangError } from '@loalang/shared';

/** Turns what PostgreSQL, the system or the driver said into one sentence for the person who starts the platform. */
export function databaseFailed(error: unknown, folder: string): LoaLangError {
  if (error instanceof LoaLangError) return error;
  const said = wordsOf(error);
  if (/no space left|ENOSPC|disk quota/i.test(said)) {
    const detail = `the disk of ${folder} is full. Free some space and start again`;
    return new LoaLangError('DATABASE_FAILED', { detail }, { cause: error });
  }
  const line = /(?:FATAL|PANIC|error):\s*(.+)/i.exec(said)?.[1] ?? said.split('\n')[0] ?? '';
  return new LoaLangError(
    'DATABASE_FAILED',
    { detail: line.trim() || 'it ended without a word' },
    { cause: error },
  );
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code} ` : '';
  const heard = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  return heard.trim() === '' ? `${code}${error.message}` : heard;
}
