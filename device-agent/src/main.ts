import { mkdirSync } from 'node:fs';
import { pino, type Logger } from 'pino';
import { LoaLangError, type MediaTime } from '@loalang/shared';
import { Agent } from './agent.ts';
import { systemClock } from './clock/index.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import { LinuxBoard } from './health/index.ts';
import { AlsaSink, PacedNullSink, WavSink, type Sink } from './sink/index.ts';

const SEGMENT_MS = 60_000;
const KEEP_SEGMENTS = 60;

/** The receiver as a process: configured by its environment, ended by SIGTERM, SIGINT or the death of its parent. */
async function main(): Promise<void> {
  const log = pino({ name: 'agent', level: process.env['LOALANG_LOG_LEVEL'] ?? 'info' });
  const configuration = readConfiguration(process.env);
  const { dataFolder, platformUrl, rootKey, brokerUrl, joinCode } = configuration;
  const sink = openSink(configuration, log, (monotonicUs) => agent.mediaTimeAt(monotonicUs));
  const agent: Agent = new Agent({
    dataFolder,
    platformUrl,
    rootKey,
    board: new LinuxBoard(dataFolder),
    sink,
    log,
    ...(brokerUrl === null ? {} : { brokerUrl }),
    ...(joinCode === null ? {} : { joinCode }),
  });
  const end = (): void => {
    agent.close().then(() => process.exit(0), fail);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(signal, end);
  await agent.start();
  process.send?.({ type: 'ready' });
}

function openSink(
  { wavFolder, alsaDevice }: Configuration,
  log: Logger,
  mediaTimeAt: (monotonicUs: number) => MediaTime | null,
): Sink {
  if (alsaDevice !== null) return openCard(alsaDevice, log);
  if (wavFolder === null) return new PacedNullSink({ clock: systemClock });
  mkdirSync(wavFolder, { recursive: true });
  return new WavSink({
    folder: wavFolder,
    segmentMs: SEGMENT_MS,
    keepSegments: KEEP_SEGMENTS,
    clock: systemClock,
    mediaTimeAt,
    onError: (error) => log.warn({ err: error }, 'what is played was not written'),
  });
}

function openCard(device: string, log: Logger): Sink {
  return new AlsaSink({
    device,
    clock: systemClock,
    onPriority: (isRealTime) => {
      if (isRealTime) log.info('the sound card is fed with real-time priority');
      else log.warn('no real-time priority (it needs CAP_SYS_NICE): a busy board may click');
    },
  });
}

/** One sentence for what a person can mend, the stack for what only we can. */
function fail(error: unknown): void {
  const text =
    error instanceof LoaLangError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`, () => process.exit(1));
}

main().catch(fail);
