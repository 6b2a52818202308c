import { LoaLangError, publicKeySchema } from '@loalang/shared';
import { z } from 'zod';
import type { BrokerOptions } from './broker.ts';
import { writerNames } from './fanout/writer.ts';
import { defaultLimits, variableOf, type BrokerLimits } from './limits/bounds.ts';
import type { HealthAddress } from './metrics/health-server.ts';

const portSchema = z.coerce.number().int().min(0).max(65_535);
const limitSchema = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const limitNames = Object.keys(defaultLimits);

const environmentSchema = z.object({
  LOALANG_ROOT_KEY: publicKeySchema,
  LOALANG_BROKER_NAME: z.string().min(1).max(200).default('loalang'),
  LOALANG_BROKER_HOST: z.string().min(1).default('127.0.0.1'),
  LOALANG_BROKER_PORT: portSchema.default(1883),
  LOALANG_BROKER_WRITER: z.enum(['auto', ...writerNames]).default('auto'),
  LOALANG_BROKER_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  LOALANG_BROKER_METRICS_PORT: portSchema.optional(),
});
const limitsSchema = z.object(
  Object.fromEntries(limitNames.map((name) => [variableOf(name), limitSchema.optional()])),
);

export interface Configuration {
  readonly broker: Omit<BrokerOptions, 'log' | 'clock'>;
  /** Where metrics and health are told; null for nowhere. */
  readonly health: HealthAddress | null;
}

/** Reads the environment. Throws CONFIGURATION_INVALID, naming the first wrong variable. */
export function readConfiguration(environment: Readonly<Record<string, string | undefined>>): Configuration {
  const set = parse(environmentSchema, environment);
  const port = set.LOALANG_BROKER_METRICS_PORT;
  return {
    broker: {
      rootKey: set.LOALANG_ROOT_KEY,
      name: set.LOALANG_BROKER_NAME,
      host: set.LOALANG_BROKER_HOST,
      port: set.LOALANG_BROKER_PORT,
      writer: set.LOALANG_BROKER_WRITER,
      limits: readLimits(environment),
    },
    health: port === undefined ? null : { host: set.LOALANG_BROKER_METRICS_HOST, port },
  };
}

function readLimits(environment: Readonly<Record<string, string | undefined>>): Partial<BrokerLimits> {
  const set = parse(limitsSchema, environment);
  const named = limitNames.map((name) => [name, set[variableOf(name)]] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}

function parse<T>(schema: z.ZodType<T>, environment: unknown): T {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new LoaLangError('CONFIGURATION_INVALID', {
    variable: issue?.path.join('.') ?? '',
    detail: issue?.message ?? '',
  });
}
