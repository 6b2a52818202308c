import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { fromUnixMs, LoaLangError } from '@loalang/shared';
import { openOggOpus } from '@loalang/shared/ogg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { schema, type Database } from '../database/index.ts';
import { createTestDatabase } from '../database/testing.ts';
import { Library, type IngestLimits, type Tools } from './index.ts';

const run = promisify(execFile);
const clock = { now: () => fromUnixMs(1_780_000_000_000) };
const realTools: Tools = { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe' };

let database: Database;
let personId: string;
/** Input files that the tests make. */
let inputs: string;
/** The library's folder, of its own for each test. */
let folder: string;
const opened: Library[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  inputs = await mkdtemp(join(tmpdir(), 'loalang-audio-'));
  await database.db.insert(schema.units).values({ id: 'yen-the', kind: 'town', name: 'Yên Thế' });
  const person = { username: 'lan', name: 'Lan', role: 'operator', unitId: 'yen-the', createdAt: 1 } as const;
  const rows = await database.db.insert(schema.people).values(person).returning();
  personId = rows[0]?.id ?? '';
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (library) => await library.close()));
  await database.db.delete(schema.audio);
});

afterAll(async () => {
  await database.close();
  await rm(inputs, { recursive: true, force: true });
});

async function openLibrary(limits: Partial<IngestLimits> = {}, tools: Tools = realTools): Promise<Library> {
  folder = await mkdtemp(join(inputs, 'library-'));
  const library = new Library({ db: database.db, clock, folder, tools, limits });
  opened.push(library);
  await library.start();
  return library;
}

/** Makes a file with ffmpeg. */
async function make(name: string, ...args: string[]): Promise<string> {
  const path = join(inputs, name);
  await run('ffmpeg', ['-v', 'error', '-y', ...args, path]);
  return path;
}

const noise = ['-f', 'lavfi', '-i', 'anoisesrc=d=4:c=pink:r=44100:a=0.3:seed=1'];

async function writeInput(name: string, content: string | Buffer): Promise<string> {
  const path = join(inputs, name);
  await writeFile(path, content);
  return path;
}

/** A program that answers all questions about itself, but hangs when it is to work. */
async function hangingFfmpeg(answers: string): Promise<string> {
  const path = join(inputs, `hangs${answers.length}`);
  const script = `#!/bin/sh\ncase "$*" in ${answers}) exec ffmpeg "$@";; esac\necho $$ >> ${path}.pids\nexec sleep 600\n`;
  await writeFile(path, script, { mode: 0o755 });
  return path;
}

const hourOfSilence = ['-f', 'lavfi', '-i', 'anullsrc=r=8000:cl=mono', '-t', '3600'];

async function tenTimes(path: string): Promise<string> {
  const whole = await readFile(path);
  await writeFile(path, Buffer.concat(Array.from({ length: 10 }, () => whole)));
  return path;
}

async function cut(path: string, share: number): Promise<string> {
  const whole = await readFile(path);
  const name = path.replace(/(\.\w+)$/, '-cut$1');
  await writeFile(name, whole.subarray(0, Math.floor(whole.length * share)));
  return name;
}

async function ingestFile(library: Library, path: string) {
  return await library.ingest(createReadStream(path), { filename: path, personId });
}

/** The code of the error; and nothing may be left of the attempt. */
async function refusal(attempt: Promise<unknown>): Promise<string> {
  const code = await attempt.then(
    () => 'none',
    (error: unknown) => (error instanceof LoaLangError ? error.code : String(error)),
  );
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  expect(await readdir(join(folder, 'files'))).toEqual([]);
  expect(await database.db.select().from(schema.audio)).toEqual([]);
  return code;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Integrated loudness, as ffmpeg's ebur128 measures it. */
async function measureLufs(path: string): Promise<number> {
  const { stderr } = await run('ffmpeg', ['-nostats', '-i', path, '-af', 'ebur128', '-f', 'null', '-']);
  return Number(/Integrated loudness:\s+I:\s+(-?[\d.]+) LUFS/.exec(stderr)?.[1]);
}

describe('a good file', () => {
  const formats: readonly (readonly [string, ...string[]])[] = [
    ['tin.mp3', ...noise],
    ['tin.wav', ...noise],
    ['tin.flac', ...noise],
    ['tin.ogg', ...noise],
    ['tin.m4a', ...noise],
    ['stereo 44.mp3', ...noise, '-ac', '2'],
    ['opus.ogg', ...noise, '-c:a', 'libopus'],
  ];

  test.each(formats)('%s becomes Ogg Opus, 48 kHz mono, 20 ms frames', async (name, ...args) => {
    const library = await openLibrary();
    const row = await ingestFile(library, await make(name, ...args));
    const file = await readFile(library.path(row.sha256));
    const reader = openOggOpus({
      size: file.length,
      readAt: (offset, length) => file.subarray(offset, offset + length),
    });
    expect(reader.info.channels).toBe(1);
    expect(Math.round(reader.info.totalSamples / 48)).toBe(row.durationMs);
    // RFC 6716 §3.1: configurations 11, 15, 19, 23, 27 and 31 are of 20 ms, code 0 is one frame.
    const toc = reader.next()?.[0] ?? 0;
    expect([toc >> 3, toc & 7]).toEqual([
      expect.toSatisfy((config: number) => [15, 19, 23, 27, 31].includes(config)),
      0,
    ]);
    expect(row.durationMs).toBeGreaterThan(3_950);
    expect(row.durationMs).toBeLessThan(4_100);
    expect(row.peaks).toHaveLength(200);
    expect(Math.max(...row.peaks)).toBeGreaterThan(0.2);
    expect(row).toMatchObject({ bytes: file.length, createdBy: 'Lan', title: name.replace(/\.\w+$/, '') });
    expect(await library.list()).toEqual([row]);
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  test('shares one file with another upload of the same content', async () => {
    const library = await openLibrary();
    const path = await make('same.flac', ...noise);
    const [first, second] = await Promise.all([ingestFile(library, path), ingestFile(library, path)]);
    expect(first.sha256).toBe(second.sha256);
    expect(first.id).not.toBe(second.id);
    expect(await readdir(join(folder, 'files'))).toEqual([first.sha256]);
  });

  test('keeps nothing of what its sender wrote into it', async () => {
    const library = await openLibrary();
    const path = await make('tagged.mp3', ...noise, '-metadata', 'title=Bi mat', '-metadata', 'artist=X');
    const row = await ingestFile(library, path);
    expect((await readFile(library.path(row.sha256))).includes('Bi mat')).toBe(false);
  });
});

describe('loudness', () => {
  const speechLike =
    'anoisesrc=d=12:c=pink:r=48000:a=0.8:seed=7,tremolo=f=4:d=0.95,highpass=200,lowpass=3400';
  const sources: readonly (readonly [string, string])[] = [
    ['a sine', 'sine=f=440:d=8:r=48000'],
    ['speech-like noise', speechLike],
    ['a very quiet input', `${speechLike},volume=-40dB`],
    [
      'one second with a loud knock',
      'aevalsrc=0.05*sin(880*PI*t)+if(lt(t\\,0.01)\\,0.9*sin(4000*t)\\,0):d=1.2:s=48000',
    ],
    ['a very loud one', 'anoisesrc=d=8:c=white:r=48000:a=1:seed=3'],
  ];

  test.each(sources)('of %s comes within 1 LU of the target', async (name, source) => {
    const library = await openLibrary();
    const path = await make(`${name}.wav`, '-f', 'lavfi', '-i', source);
    const row = await ingestFile(library, path);
    expect(Math.abs((await measureLufs(library.path(row.sha256))) - -16)).toBeLessThan(1);
    expect(Math.abs((row.originalLufs ?? 0) - (await measureLufs(path)))).toBeLessThan(1);
  });

  test('of a beep too short to be measured is set by its peak', async () => {
    const library = await openLibrary();
    const row = await ingestFile(library, await make('beep.wav', '-f', 'lavfi', '-i', 'sine=f=900:d=0.3'));
    expect(row.originalLufs).toBeNull();
    expect(Math.max(...row.peaks)).toBeGreaterThan(0.4);
    expect(Math.max(...row.peaks)).toBeLessThan(0.7);
  });
});

describe('wrong input leaves nothing behind', () => {
  const cases: readonly (readonly [string, string, () => Promise<string>])[] = [
    [
      'a text named .mp3',
      'AUDIO_NOT_SOUND',
      async () => await writeInput('van ban.mp3', 'Kính thưa bà con. '.repeat(5_000)),
    ],
    [
      'random bytes',
      'AUDIO_NOT_SOUND',
      async () => await writeInput('bytes.mp3', Buffer.alloc(50_000, 0x37)),
    ],
    ['an empty file', 'AUDIO_EMPTY', async () => await writeInput('empty.mp3', '')],
    [
      'a playlist that points to another file',
      'AUDIO_NOT_SOUND',
      async () => await writeInput('list.m3u8', `#EXTM3U\n#EXTINF:4,\n${inputs}/tin.mp3\n#EXT-X-ENDLIST\n`),
    ],
    [
      'a list of files to be joined',
      'AUDIO_NOT_SOUND',
      async () => await writeInput('list.ffconcat', `ffconcat version 1.0\nfile ${inputs}/tin.mp3\n`),
    ],
    [
      'a film without sound',
      'AUDIO_NOT_SOUND',
      async () => await make('silent.mp4', '-f', 'lavfi', '-i', 'testsrc=d=1:s=64x64', '-an'),
    ],
    [
      'zero length',
      'AUDIO_TOO_SHORT',
      async () => await make('zero.wav', '-f', 'lavfi', '-i', 'sine', '-t', '0'),
    ],
    ['a click', 'AUDIO_TOO_SHORT', async () => await make('click.wav', '-f', 'lavfi', '-i', 'sine=d=0.1')],
    [
      'digital silence',
      'AUDIO_TOO_SHORT',
      async () => await make('null.wav', '-f', 'lavfi', '-i', 'anullsrc', '-t', '2'),
    ],
    [
      '10 hours of silence',
      'AUDIO_TOO_LONG',
      async () =>
        await make('long.ogg', '-f', 'lavfi', '-i', 'anullsrc=r=8000:cl=mono', '-t', '36000', '-c:a', 'flac'),
    ],
    [
      '10 hours that do not say so',
      'AUDIO_TOO_LONG',
      async () => await tenTimes(await make('hour.mp3', ...hourOfSilence, '-b:a', '8k', '-write_xing', '0')),
    ],
    ['a cut wav', 'AUDIO_TRUNCATED', async () => await cut(await make('c.wav', ...noise), 0.6)],
    ['a cut flac', 'AUDIO_TRUNCATED', async () => await cut(await make('c.flac', ...noise), 0.6)],
    ['a cut ogg', 'AUDIO_TRUNCATED', async () => await cut(await make('c.ogg', ...noise), 0.6)],
    ['a cut m4a', 'AUDIO_TRUNCATED', async () => await cut(await make('c.m4a', ...noise), 0.6)],
    [
      'a cut m4a with its index first',
      'AUDIO_TRUNCATED',
      async () => await cut(await make('d.m4a', ...noise, '-movflags', '+faststart'), 0.6),
    ],
    ['a cut mp3', 'AUDIO_TRUNCATED', async () => await cut(await make('c.mp3', ...noise), 0.6)],
    ['a cut aac', 'AUDIO_TRUNCATED', async () => await cut(await make('c.aac', ...noise), 0.6)],
  ];

  test.each(cases)(
    '%s is refused with %s',
    async (_name, code, makeInput) => {
      const path = await makeInput();
      const library = await openLibrary();
      expect(await refusal(ingestFile(library, path))).toBe(code);
    },
    90_000,
  );

  test('2 GiB are refused without being read', async () => {
    const library = await openLibrary({ maxBytes: 1024 * 1024 });
    const chunk = Buffer.alloc(65_536);
    let given = 0;
    const endless = new Readable({
      read() {
        given += chunk.length;
        this.push(given <= 2 ** 31 ? chunk : null);
      },
    });
    expect(await refusal(library.ingest(endless, { filename: 'big.wav', personId }))).toBe('AUDIO_TOO_BIG');
    expect(endless.destroyed).toBe(true);
    expect(given).toBeLessThan(2 * 1024 * 1024);
  });

  test('a sender that breaks off is refused with AUDIO_UPLOAD_BROKEN', async () => {
    const library = await openLibrary();
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000);
        await Promise.resolve();
        throw new Error('aborted');
      })(),
    );
    expect(await refusal(library.ingest(broken, { filename: 'a.mp3', personId }))).toBe(
      'AUDIO_UPLOAD_BROKEN',
    );
  });

  test('a stream that ends without its end is refused with AUDIO_UPLOAD_BROKEN', async () => {
    const library = await openLibrary();
    const stream = new Readable({ read() {} });
    stream.push(Buffer.alloc(1_000));
    const attempt = library.ingest(stream, { filename: 'a.mp3', personId });
    stream.destroy();
    expect(await refusal(attempt)).toBe('AUDIO_UPLOAD_BROKEN');
  });

  test('a person of whom the database knows nothing leaves no file', async () => {
    const library = await openLibrary();
    const path = await make('nobody.wav', ...noise);
    const unknown = '00000000-0000-4000-8000-000000000000';
    const attempt = library.ingest(createReadStream(path), { filename: 'x', personId: unknown });
    expect(await refusal(attempt)).toMatch(/Failed query/);
  });
});

describe('ffmpeg', () => {
  const hanging: readonly (readonly [string, string])[] = [
    ['at once', 'nothing'],
    ['while it works', '*-version*|*-encoders*|*-formats*'],
  ];

  test.each(hanging)('that hangs %s is killed by the limit: AUDIO_TIMEOUT', async (_when, answers) => {
    const path = await make('ok.wav', ...noise);
    const ffmpegPath = await hangingFfmpeg(answers);
    const library = await openLibrary({ runBaseMs: 400, runShare: 0 }, { ...realTools, ffmpegPath });
    expect(await refusal(ingestFile(library, path))).toBe('AUDIO_TIMEOUT');
    const pids = (await readFile(`${ffmpegPath}.pids`, 'utf8')).trim().split('\n').map(Number);
    for (const pid of pids) await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test('is killed when the sender goes away, and close() does not wait for it', async () => {
    const path = await make('ok2.wav', ...noise);
    const ffmpegPath = await hangingFfmpeg('*-version*|*-encoders*|*-formats*');
    const library = await openLibrary({}, { ...realTools, ffmpegPath });
    const leaving = new AbortController();
    const attempt = refusal(
      library.ingest(createReadStream(path), { filename: 'x', personId, signal: leaving.signal }),
    );
    leaving.abort();
    expect(await attempt).toBe('AUDIO_UPLOAD_BROKEN');
    const second = refusal(ingestFile(library, path));
    await library.close();
    expect(await second).toBe('AUDIO_UPLOAD_BROKEN');
  });

  test('that is missing: FFMPEG_MISSING', async () => {
    const path = await make('ok3.wav', ...noise);
    const library = await openLibrary({}, { ...realTools, ffmpegPath: join(inputs, 'none') });
    expect(await refusal(ingestFile(library, path))).toBe('FFMPEG_MISSING');
  });
});

describe('many at once', () => {
  test('one upload over the bound is refused with AUDIO_BUSY, the others are taken in turn', async () => {
    const library = await openLibrary({ maxRunning: 1, maxUploads: 3 });
    const path = await make('many.wav', '-f', 'lavfi', '-i', 'sine=d=1');
    const results = await Promise.allSettled([1, 2, 3, 4].map(async () => await ingestFile(library, path)));
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
    expect(results[3]).toMatchObject({ reason: { code: 'AUDIO_BUSY' } });
  });
});

test('half-done work of a killed process is removed at the next start, finished files are kept, named or not', async () => {
  const library = await openLibrary();
  const row = await ingestFile(library, await make('kept.wav', ...noise));
  await mkdir(join(folder, 'incoming', 'left-over'));
  await writeFile(join(folder, 'incoming', 'left-over', 'source'), 'x');
  await writeFile(join(folder, 'files', '0'.repeat(64)), 'x');
  await library.start();
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  expect(await readdir(join(folder, 'files'))).toEqual(['0'.repeat(64), row.sha256]);
  expect((await stat(library.path(row.sha256))).size).toBe(row.bytes);
});
