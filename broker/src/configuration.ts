import { LoaLangError, publicKeySchema } from '@loalang/shared';
import { z } from 'zod';
import type { BrokerOptions } from './broker.ts';
import { writerNames } from './fanout/writer.ts';
import { defaultLimits, variableOf, type BrokerLimits } from './limits/bounds.ts';
import type { HealthAddress } from './metrics/health-server.ts';
import type { ListenerSettings } from './listeners/listener.ts';
import { readListeners } from './listeners/read-listeners.ts';

const portSchema = z.coerce.number().int().min(0).max(65_535);
const limitSchema = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const limitNames = Object.keys(defaultLimits);

const listenersSchema = z.string().transform((text, context): ListenerSettings[] => {
  try {
    return readListeners(text);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const environmentSchema = z.object({
  LOALANG_ROOT_KEY: publicKeySchema,
  LOALANG_BROKER_NAME: z.string().min(1).max(200).default('loalang'),
  LOALANG_BROKER_HOST: z.string().min(1).default('127.0.0.1'),
  LOALANG_BROKER_PORT: portSchema.default(1883),
  LOALANG_BROKER_WRITER: z.enum(['auto', ...writerNames]).default('auto'),
  LOALANG_BROKER_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  LOALANG_BROKER_METRICS_PORT: portSchema.optional(),
  LOALANG_BROKER_LISTEN: listenersSchema.optional(),
  LOALANG_BROKER_CERTIFICATE: z.string().min(1).optional(),
  LOALANG_BROKER_CERTIFICATE_KEY: z.string().min(1).optional(),
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
      ...listenersOf(set),
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
  throw invalid(issue?.path.join('.') ?? '', issue?.message ?? '');
}

type Environment = z.infer<typeof environmentSchema>;

function listenersOf(set: Environment): Pick<BrokerOptions, 'listeners' | 'certificate'> {
  const { LOALANG_BROKER_LISTEN: listeners = [], LOALANG_BROKER_CERTIFICATE: certificate } = set;
  const { LOALANG_BROKER_CERTIFICATE_KEY: key } = set;
  const needsTls = listeners.some(({ isTls }) => isTls);
  if (!needsTls) return listeners.length === 0 ? {} : { listeners };
  if (certificate === undefined) throw invalid('LOALANG_BROKER_CERTIFICATE', 'TLS needs one');
  if (key === undefined) throw invalid('LOALANG_BROKER_CERTIFICATE_KEY', 'TLS needs one');
  return { listeners, certificate: { certificate, key } };
}

function invalid(variable: string, detail: string): LoaLangError {
  return new LoaLangError('CONFIGURATION_INVALID', { variable, detail });
}
