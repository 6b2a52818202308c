import { z } from 'zod';
import { brokerUrlSchema, LoaLangError } from '@loalang/shared';

const port = z.coerce.number().int().min(0).max(65_535);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
/** A variable that is set but empty counts as not set. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const environmentSchema = z.object({
  LOALANG_DATA: z.string().min(1),
  DATABASE_URL: optional(z.url({ protocol: /^postgres(ql)?$/ })),
  LOALANG_HTTP_PORT: z.preprocess((value) => (value === '' ? undefined : value), port.default(8080)),
  LOALANG_HTTP_HOST: z.string().default('127.0.0.1'),
  /** How people reach the console, where a proxy stands before it. */
  LOALANG_HTTP_PUBLIC_URL: optional(z.url({ protocol: /^https?$/ })),
  /** Addresses or networks of proxies whose X-Forwarded-* are believed, with commas. */
  LOALANG_HTTP_TRUSTED_PROXIES: optional(list),
  LOALANG_BROKER_URL: brokerUrlSchema,
  LOALANG_CA: optional(z.string()),
  LOALANG_BROKER_NAME: z.string().min(1).default('loalang'),
  LOALANG_BROKER_PUBLIC_URL: optional(brokerUrlSchema),
  LOALANG_SAMPLE: optional(z.string()),
  LOALANG_LOG: optional(z.string()),
  LOALANG_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});
export type Configuration = z.infer<typeof environmentSchema>;

/** Reads the environment. Throws CONFIGURATION_INVALID, naming the first variable that is wrong. */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const parsed = environmentSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new LoaLangError('CONFIGURATION_INVALID', {
    variable: String(issue?.path[0] ?? 'environment'),
    detail: issue?.message ?? 'invalid',
  });
}
