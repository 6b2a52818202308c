import { shareTestServer } from '@loalang/scheduler/testing';

/** One database server for the whole test run, started by the first test that needs it. */
export default async function setUp(): Promise<() => Promise<void>> {
  return await shareTestServer();
}
