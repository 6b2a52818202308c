import { LoaLangError, publicKeySchema } from '@loalang/shared';
import { z } from 'zod';
import type { BrokerOptions } from './broker.ts';

const countSchema = z.coerce.number().int().min(1).max(1_000_000);

const environmentSchema = z.object({
  LOALANG_ROOT_KEY: publicKeySchema,
  LOALANG_BROKER_NAME: z.string().min(1).max(200).default('loalang'),
  LOALANG_BROKER_HOST: z.string().min(1).default('127.0.0.1'),
  LOALANG_BROKER_PORT: z.coerce.number().int().min(0).max(65_535).default(1883),
  LOALANG_BROKER_CONNECTIONS: countSchema.optional(),
  LOALANG_BROKER_CONNECTIONS_PER_ADDRESS: countSchema.optional(),
  LOALANG_BROKER_CONNECTIONS_FROM_LOOPBACK: countSchema.optional(),
});

/** Reads the broker's options from the environment. Throws CONFIGURATION_INVALID, naming the first wrong variable. */
export function readConfiguration(
  environment: Readonly<Record<string, string | undefined>>,
): Omit<BrokerOptions, 'log' | 'clock'> {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new LoaLangError('CONFIGURATION_INVALID', {
      variable: issue?.path.join('.') ?? '',
      detail: issue?.message ?? '',
    });
  }
  const set = parsed.data;
  return {
    rootKey: set.LOALANG_ROOT_KEY,
    name: set.LOALANG_BROKER_NAME,
    host: set.LOALANG_BROKER_HOST,
    port: set.LOALANG_BROKER_PORT,
    limits: {
      ...(set.LOALANG_BROKER_CONNECTIONS && { connections: set.LOALANG_BROKER_CONNECTIONS }),
      ...(set.LOALANG_BROKER_CONNECTIONS_PER_ADDRESS && {
        connectionsPerAddress: set.LOALANG_BROKER_CONNECTIONS_PER_ADDRESS,
      }),
      ...(set.LOALANG_BROKER_CONNECTIONS_FROM_LOOPBACK && {
        connectionsFromLoopback: set.LOALANG_BROKER_CONNECTIONS_FROM_LOOPBACK,
      }),
    },
  };
}
