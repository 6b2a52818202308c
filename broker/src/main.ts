import { LoaLangError } from '@loalang/shared';
import { pino } from 'pino';
import { Broker } from './broker.ts';
import { readConfiguration } from './configuration.ts';
import { isLoopback } from './limits/places.ts';
import { HealthServer } from './metrics/health-server.ts';

/** The broker as a process: configured by its environment, ended by SIGTERM, SIGINT or the death of its parent. */
async function main(): Promise<void> {
  const log = pino({ name: 'broker', level: process.env['LOALANG_LOG_LEVEL'] ?? 'info' });
  const configuration = readConfiguration(process.env);
  const { host, listeners = [] } = configuration.broker;
  for (const { host: open } of [{ host }, ...listeners.filter(({ isTls }) => !isTls)]) {
    if (!isLoopback(open)) log.warn({ host: open }, 'plain MQTT beyond this machine: put TLS in front of it');
  }
  const broker = new Broker({ ...configuration.broker, log });
  const health = configuration.health && new HealthServer(configuration.health, broker);
  const close = async (): Promise<void> => {
    await broker.close();
    await health?.close();
  };
  const end = (): void => {
    close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(signal, end);
  process.on('SIGHUP', () => void broker.reloadCertificate());
  const metricsPort = await health?.start();
  const { port, listeners: open } = await broker.start();
  if (process.connected) process.send?.({ type: 'ready', port, metricsPort, listeners: open });
}

/** One sentence for what a person can mend, the stack for what only we can. */
function fail(error: unknown): void {
  const text =
    error instanceof LoaLangError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`, () => process.exit(1));
}

main().catch(fail);
