import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pino, { type Logger } from 'pino';
import { createScheduler, readSample, type Sample, type SchedulerConfig } from '@loalang/scheduler';
import { LoaLangError, sentence } from '@loalang/shared';
import { type Configuration, readConfiguration } from './configuration.ts';
import { createConsole } from './console.ts';
import { makeFirstLink } from './first-administrator.ts';

/** The platform's process: the broadcast centre and the console. It speaks to its parent over IPC and logs; it prints nothing. */

const UI_FOLDER = fileURLToPath(new URL('../ui/dist', import.meta.url));
/** When something hangs at the end, the process goes all the same; the database recovers from that. */
const STOP_WITHIN_MS = 4_500;

interface Running {
  close(): Promise<void>;
}

async function start(configuration: Configuration, log: Logger): Promise<Running> {
  const { LOALANG_SAMPLE: samplePath } = configuration;
  const sample = samplePath === undefined ? null : await readSample(samplePath);
  const scheduler = await createScheduler(schedulerConfig(configuration, sample, log));
  try {
    const server = await createConsole({
      platform: scheduler,
      uiFolder: UI_FOLDER,
      log,
      ...(configuration.LOALANG_HTTP_PUBLIC_URL === undefined
        ? {}
        : { publicUrl: new URL(configuration.LOALANG_HTTP_PUBLIC_URL) }),
      trustedProxies: configuration.LOALANG_HTTP_TRUSTED_PROXIES ?? [],
    });
    const host = configuration.LOALANG_HTTP_HOST;
    const port = await server.listen({ port: configuration.LOALANG_HTTP_PORT, host });
    const token = await makeFirstLink(scheduler);
    const signInUrl = token === null ? null : signInAddress(token, configuration, port);
    process.send?.({ type: 'ready', port, ...(signInUrl === null ? {} : { signInUrl }) });
    log.info({ host, port }, 'the console is up');
    return {
      close: async () => {
        await server.close();
        await scheduler.close();
      },
    };
  } catch (error) {
    await scheduler.close();
    throw error;
  }
}

function schedulerConfig(configuration: Configuration, sample: Sample | null, log: Logger): SchedulerConfig {
  const {
    DATABASE_URL: databaseUrl,
    LOALANG_BROKER_PUBLIC_URL: publicUrl,
    LOALANG_CA: caFile,
  } = configuration;
  return {
    dataFolder: configuration.LOALANG_DATA,
    broker: {
      url: configuration.LOALANG_BROKER_URL,
      name: configuration.LOALANG_BROKER_NAME,
      ...(publicUrl === undefined ? {} : { publicUrl }),
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') }),
    },
    log,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(sample === null ? {} : { sample }),
  };
}

function signInAddress(token: string, configuration: Configuration, port: number): string {
  const host = configuration.LOALANG_HTTP_HOST;
  const isAnyAddress = host === '0.0.0.0' || host === '::';
  const name = isAnyAddress ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const base = configuration.LOALANG_HTTP_PUBLIC_URL ?? `http://${name}:${port}`;
  return new URL(`/vao?ma=${token}`, base).href;
}

function makeLog(path: string | undefined, level: string): Logger {
  const destination =
    path === undefined ? pino.destination(2) : pino.destination({ dest: path, mkdir: true });
  return pino({ name: 'platform', level }, destination);
}

/** Tells the parent why there is no start, in the words of the catalogue where it has some. */
function reportFailure(error: unknown, log: Logger): void {
  log.fatal({ err: error }, 'could not start');
  const message =
    error instanceof LoaLangError
      ? sentence(error.code, 'en', error.details)
      : 'The platform could not start.';
  process.send?.({ type: 'failed', message });
}

/** The parent's death (its IPC channel closes) stops us like a signal does. */
function stopOnSignals(running: Promise<Running>, log: Logger): void {
  let isStopping = false;
  const stop = (why: string): void => {
    if (isStopping) return;
    isStopping = true;
    log.info({ why }, 'stopping');
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    running
      .then((parts) => parts.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'did not stop cleanly');
          process.exit(1);
        },
      );
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
  process.once('disconnect', () => stop('the parent has ended'));
}

async function main(): Promise<void> {
  let log = makeLog(undefined, 'info');
  try {
    const configuration = readConfiguration(process.env);
    log = makeLog(configuration.LOALANG_LOG, configuration.LOALANG_LOG_LEVEL);
    const running = start(configuration, log);
    stopOnSignals(running, log);
    await running;
  } catch (error) {
    reportFailure(error, log);
    process.exitCode = 1;
    process.disconnect?.();
  }
}

await main();
