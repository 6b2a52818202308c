import { LoaLangError, sentence } from '@loalang/shared';
import { pino } from 'pino';
import { readConfiguration } from './configuration.ts';
import { Fleet } from './fleet/fleet.ts';

/** Whatever hangs, the process is gone by then. */
const END_WITHIN_MS = 2_800;

/** Runs the receivers of the sample file in this process until it is told to end or its parent is gone. */
async function main(): Promise<void> {
  const log = pino({ level: process.env['LOALANG_LOG_LEVEL'] ?? 'info' });
  const { devices, ...configuration } = readConfiguration(process.env, process.argv.slice(2));
  const fleet = new Fleet({ ...configuration, devices, log });
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
    fleet.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the receivers did not close cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  process.once('disconnect', end);
  await fleet.start();
  if (isEnding) return;
  log.info({ devices: devices.length }, 'the receivers are switched on');
  process.send?.({ type: 'ready', devices: devices.length });
}

try {
  await main();
} catch (error) {
  const message =
    error instanceof LoaLangError
      ? `${sentence(error.code, 'vi', error.details)}\n${sentence(error.code, 'en', error.details)}`
      : String(error instanceof Error ? error.stack : error);
  console.error(message);
  process.send?.({ type: 'failed', message });
  process.exitCode = 1;
  // An open channel to the parent would keep the process alive.
  if (process.connected) process.disconnect();
}
