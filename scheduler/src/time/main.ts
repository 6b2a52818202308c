import { readFileSync } from 'node:fs';
import pino, { type Logger } from 'pino';
import { brokerUrlSchema, LoaLangError, sentence } from '@loalang/shared';
import { z } from 'zod';
import { TimeService } from './time-service.ts';

/** The time service's process. It speaks to its parent over IPC and logs; it prints nothing. */

/** Whatever hangs, the process is gone by then. */
const END_WITHIN_MS = 2_800;

const environmentSchema = z.object({
  LOALANG_DATA: z.string().min(1),
  LOALANG_BROKER_URL: brokerUrlSchema,
  LOALANG_CA: z.string().min(1).optional(),
  LOALANG_BROKER_NAME: z.string().min(1).default('loalang'),
  LOALANG_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

function readConfiguration(): z.infer<typeof environmentSchema> {
  const parsed = environmentSchema.safeParse(process.env);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const variable = issue?.path.join('.') ?? 'environment';
  throw new LoaLangError('CONFIGURATION_INVALID', { variable, detail: issue?.message ?? '' });
}

async function main(): Promise<void> {
  const { LOALANG_DATA: dataFolder, LOALANG_BROKER_URL: url, ...rest } = readConfiguration();
  const log = pino({ name: 'time', level: rest.LOALANG_LOG_LEVEL }, pino.destination(2));
  const ca = rest.LOALANG_CA === undefined ? {} : { ca: readFileSync(rest.LOALANG_CA, 'utf8') };
  const broker = { url, name: rest.LOALANG_BROKER_NAME, ...ca };
  const service = new TimeService({ dataFolder, broker, log, onTaken: () => end(1) });
  const end = makeEnd(service, log);
  process.once('SIGTERM', () => end(0));
  process.once('SIGINT', () => end(0));
  process.once('disconnect', () => end(0));
  if (await service.start()) process.send?.({ type: 'ready' });
}

function makeEnd(service: TimeService, log: Logger): (exitCode: number) => void {
  let isEnding = false;
  return (exitCode) => {
    if (isEnding) return;
    isEnding = true;
    setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
    service.close().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        log.error({ err: error }, 'did not end cleanly');
        process.exit(1);
      },
    );
  };
}

try {
  await main();
} catch (error) {
  const message =
    error instanceof LoaLangError
      ? sentence(error.code, 'en', error.details)
      : String(error instanceof Error ? error.stack : error);
  console.error(message);
  process.send?.({ type: 'failed', message });
  process.exit(1);
}
