import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { LoaLangError } from '@loalang/shared';
import { Agent } from './agent.ts';
import { readConfiguration } from './configuration.ts';
import { LinuxBoard } from './health/index.ts';

/** The receiver as a process: configured by its environment, ended by SIGTERM, SIGINT or the death of its parent. */
async function main(): Promise<void> {
  const log = pino({ name: 'agent', level: process.env['LOALANG_LOG_LEVEL'] ?? 'info' });
  const { dataFolder, platformUrl, rootKey, brokerUrl, caFile, joinCode, sink } = readConfiguration(
    process.env,
  );
  const end = (): void => {
    agent.close().then(() => process.exit(0), fail);
  };
  const agent = new Agent({
    // Whoever starts it again (systemd, a container) starts a new board.
    onWiped: end,
    dataFolder,
    platformUrl,
    rootKey,
    board: new LinuxBoard(dataFolder),
    sink,
    log,
    ...(brokerUrl === null ? {} : { brokerUrl }),
    ...(caFile === null ? {} : { brokerCa: readFileSync(caFile, 'utf8') }),
    ...(joinCode === null ? {} : { joinCode }),
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(signal, end);
  await agent.start();
  process.send?.({ type: 'ready' });
}

/** One sentence for what a person can mend, the stack for what only we can. */
function fail(error: unknown): void {
  const text =
    error instanceof LoaLangError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`, () => process.exit(1));
}

main().catch(fail);
