import { LoaLangError } from '@loalang/shared';
import { readPublicKey } from '@loalang/shared/signing';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readSampleDevices, type SampleDevice } from './fleet/sample.ts';
import { parseCapacityTrace } from './network/capacity-trace.ts';
import { mild4g, type DirectionProfile, type NetworkProfile } from './network/profile.ts';

export interface Configuration {
  readonly dataFolder: string;
  readonly platformUrl: string;
  readonly brokerUrl: string;
  readonly rootKey: string;
  readonly devices: readonly SampleDevice[];
  readonly network: NetworkProfile;
}

const environmentSchema = z.object({
  LOALANG_DATA: z.string().min(1),
  LOALANG_PLATFORM_URL: z.url({ protocol: /^http$/ }),
  LOALANG_BROKER_URL: z.url({ protocol: /^(mqtt|ws)$/ }),
  LOALANG_ROOT_KEY: z.string().refine(isPublicKey, 'no Ed25519 public key in base64url'),
  LOALANG_SAMPLE: z.string().min(1),
});

/**
 * Reads the environment, and from the command line `--trace-up FILE` and `--trace-down FILE`: recorded radios in
 * mahimahi's format in place of the steady rate. Throws CONFIGURATION_INVALID with the name of what is wrong.
 */
export function readConfiguration(environment: NodeJS.ProcessEnv, args: readonly string[]): Configuration {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(issue?.path.join('.') ?? 'environment', issue?.message ?? '');
  }
  const { LOALANG_DATA, LOALANG_PLATFORM_URL, LOALANG_BROKER_URL, LOALANG_ROOT_KEY, LOALANG_SAMPLE } =
    parsed.data;
  return {
    dataFolder: LOALANG_DATA,
    platformUrl: LOALANG_PLATFORM_URL,
    brokerUrl: LOALANG_BROKER_URL,
    rootKey: LOALANG_ROOT_KEY,
    devices: attempt('LOALANG_SAMPLE', () => readSampleDevices(LOALANG_SAMPLE)),
    network: readNetwork(args),
  };
}

function readNetwork(args: readonly string[]): NetworkProfile {
  const { values } = attempt('arguments', () =>
    parseArgs({
      args: [...args],
      options: { 'trace-up': { type: 'string' }, 'trace-down': { type: 'string' } },
    }),
  );
  return {
    up: withTrace(mild4g.up, '--trace-up', values['trace-up']),
    down: withTrace(mild4g.down, '--trace-down', values['trace-down']),
  };
}

function withTrace(profile: DirectionProfile, name: string, file: string | undefined): DirectionProfile {
  if (file === undefined) return profile;
  const trace = attempt(name, () => parseCapacityTrace(readFileSync(file, 'utf8')));
  return { ...profile, capacity: { kind: 'trace', trace } };
}

function isPublicKey(raw: string): boolean {
  try {
    readPublicKey(raw);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

function attempt<T>(variable: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LoaLangError('CONFIGURATION_INVALID', { variable, detail }, { cause: error });
  }
}

function invalid(variable: string, detail: string): LoaLangError {
  return new LoaLangError('CONFIGURATION_INVALID', { variable, detail });
}
