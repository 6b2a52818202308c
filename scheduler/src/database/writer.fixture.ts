/** For the test of kill -9: opens the database of a folder and writes rows, telling its parent of each commit. */
import { join } from 'node:path';
import pino from 'pino';
import { openDatabase, schema } from './index.ts';
import { runningServer } from './orphan.ts';

const dataFolder = process.argv[2] ?? '';
const { db } = await openDatabase({ dataFolder, log: pino({ level: 'silent' }) });
const pid = await runningServer(join(dataFolder, 'postgres', 'cluster'));
for (let value = 1; ; value++) {
  await db.insert(schema.platformState).values({ key: `row ${value}`, value });
  process.send?.({ pid, committed: value });
}
