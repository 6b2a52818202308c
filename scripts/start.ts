import { fromUnixMs, LoaLangError, sentence } from '@loalang/shared';
import { loadKeys } from '@loalang/scheduler';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ManagedProcess } from './child-process.ts';
import { checkAddress, claimDataFolder, urlOf, type Claim } from './data-folder.ts';
import { loadSample } from './sample.ts';

const portSchema = z.coerce.number().int().min(0).max(65_535);
const configurationSchema = z.object({
  LOALANG_DATA: z.string().min(1).default('data'),
  LOALANG_HTTP_HOST: z.string().default('127.0.0.1'),
  LOALANG_HTTP_PORT: portSchema.default(8080),
  LOALANG_BROKER_PORT: portSchema.default(1883),
  LOALANG_BROKER_METRICS_PORT: portSchema.default(0),
});
type Configuration = z.infer<typeof configurationSchema>;

const BROKER_HOST = '127.0.0.1';

/**
 * Runs the whole system on this machine: broker, time service, platform with console, and a simulated district of
 * receivers, each a process of its own under this one. Ends on SIGINT and SIGTERM; a failed start prints one sentence and exits with 1.
 */
export async function start(): Promise<void> {
  const running: { close(): void | Promise<void> }[] = [];
  let isEnding = false;
  const end = (exitCode: number): void => {
    if (isEnding) return;
    isEnding = true;
    closeAll(running).then(
      () => process.exit(exitCode),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', () => end(0));
  process.on('SIGTERM', () => end(0));
  endWithNpm(() => end(0));
  try {
    await startAll(running, (name) => {
      console.error(`${name} keeps failing; see its log. Everything is stopped.`);
      end(1);
    });
  } catch (error) {
    if (isEnding) return;
    console.error(explain(error));
    end(1);
  }
}

async function startAll(
  running: { close(): void | Promise<void> }[],
  onBroken: (name: string) => void,
): Promise<void> {
  const configuration = readConfiguration();
  const claim = await claimDataFolder(configuration.LOALANG_DATA);
  running.push(claim);
  await checkAddresses(configuration);
  const logs = join(claim.folder, 'logs');
  mkdirSync(logs, { recursive: true });
  const launch: Launch = async (name, main, env, portVariable) => {
    const child = new ManagedProcess({ name, main, env, portVariable }, logs, onBroken);
    running.push(child);
    return child.start();
  };
  showScreen(await launchDistrict(configuration, claim, launch), claim.folder);
}

async function checkAddresses(configuration: Configuration): Promise<void> {
  const { LOALANG_HTTP_HOST: host, LOALANG_HTTP_PORT: port, LOALANG_BROKER_PORT } = configuration;
  await checkAddress({ host, port }, { host: 'LOALANG_HTTP_HOST', port: 'LOALANG_HTTP_PORT' });
  const broker = { host: BROKER_HOST, port: LOALANG_BROKER_PORT };
  await checkAddress(broker, { host: 'LOALANG_BROKER_HOST', port: 'LOALANG_BROKER_PORT' });
}

type Launch = (
  name: string,
  main: string,
  env: Record<string, string>,
  portVariable?: string,
) => Promise<unknown>;

interface Running {
  readonly url: string;
  readonly signInUrl: string | null;
  readonly brokerUrl: string;
  readonly metricsUrl: string;
  readonly deviceCount: number;
}

const brokerReadySchema = z.object({ port: z.number(), metricsPort: z.number() });
const platformReadySchema = z.object({ port: z.number(), signInUrl: z.string().optional() });

async function launchDistrict(
  { LOALANG_HTTP_HOST, LOALANG_HTTP_PORT, LOALANG_BROKER_PORT, LOALANG_BROKER_METRICS_PORT }: Configuration,
  { folder }: Claim,
  launch: Launch,
): Promise<Running> {
  const sampleFile = join(folder, 'sample.json');
  const sample = loadSample(sampleFile);
  const keys = await loadKeys(join(folder, 'keys'), fromUnixMs(Date.now()));
  const broker = brokerReadySchema.parse(
    await launch(
      'broker',
      'broker/src/main.ts',
      {
        LOALANG_ROOT_KEY: keys.rootPublic,
        LOALANG_BROKER_HOST: BROKER_HOST,
        LOALANG_BROKER_PORT: String(LOALANG_BROKER_PORT),
        LOALANG_BROKER_METRICS_PORT: String(LOALANG_BROKER_METRICS_PORT),
      },
      'LOALANG_BROKER_PORT',
    ),
  );
  const brokerUrl = `mqtt://${BROKER_HOST}:${broker.port}`;
  await launch('time', 'scheduler/src/time/main.ts', {
    LOALANG_DATA: folder,
    LOALANG_BROKER_URL: brokerUrl,
  });
  const platform = platformReadySchema.parse(
    await launch(
      'platform',
      'web-console/server/main.ts',
      {
        LOALANG_DATA: folder,
        LOALANG_HTTP_HOST,
        LOALANG_HTTP_PORT: String(LOALANG_HTTP_PORT),
        LOALANG_BROKER_URL: brokerUrl,
        LOALANG_SAMPLE: sampleFile,
      },
      'LOALANG_HTTP_PORT',
    ),
  );
  const url = urlOf(LOALANG_HTTP_HOST, platform.port);
  await launch('receivers', 'firmware-sim/src/main.ts', {
    LOALANG_DATA: join(folder, 'receivers'),
    LOALANG_PLATFORM_URL: url,
    LOALANG_BROKER_URL: brokerUrl,
    LOALANG_ROOT_KEY: keys.rootPublic,
    LOALANG_SAMPLE: sampleFile,
  });
  return {
    url,
    brokerUrl,
    metricsUrl: `${urlOf(BROKER_HOST, broker.metricsPort)}/metrics`,
    signInUrl: platform.signInUrl ?? null,
    deviceCount: sample.devices.length,
  };
}

function showScreen({ url, signInUrl, brokerUrl, metricsUrl, deviceCount }: Running, folder: string): void {
  const signIn = signInUrl === null ? [] : [`    sign in once     ${signInUrl}`];
  console.log(
    [
      '',
      '  Loa Làng is running.',
      '',
      `    console          ${url}`,
      ...signIn,
      `    broker           ${brokerUrl}`,
      `    its health       ${metricsUrl}`,
      `    receivers        ${deviceCount} simulated, in Yên Thế town and nine communes (sample data)`,
      `    data             ${folder}`,
      `    logs             ${join(folder, 'logs')}`,
      `    root key         ${join(folder, 'keys', 'root.pem')}  (in service it belongs on a stick in a safe)`,
      '',
      '  Ctrl-C stops everything.',
      '',
    ].join('\n'),
  );
}

function readConfiguration(): Configuration {
  const parsed = configurationSchema.safeParse(process.env);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const variable = issue?.path.join('.') ?? 'environment';
  throw new LoaLangError('CONFIGURATION_INVALID', { variable, detail: issue?.message ?? '' });
}

function explain(error: unknown): string {
  if (error instanceof LoaLangError) {
    return `${sentence(error.code, 'vi', error.details)}\n${sentence(error.code, 'en', error.details)}`;
  }
  return error instanceof Error ? error.message : String(error);
}

async function closeAll(running: { close(): void | Promise<void> }[]): Promise<void> {
  for (const part of running.toReversed()) await part.close();
}

/** npm that is killed outright can't pass the signal on: when it is gone, so is the reason to run. */
function endWithNpm(end: () => void): void {
  if (process.env['npm_lifecycle_event'] !== 'start') return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end();
  }, 1000).unref();
}
