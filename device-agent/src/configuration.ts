import { z } from 'zod';
import {
  brokerUrlSchema,
  joinRequestSchema,
  LoaLangError,
  publicKeySchema,
  readPlatformUrl,
} from '@loalang/shared';
import type { SinkSettings } from './sink/index.ts';

const environmentSchema = z.object({
  LOALANG_DATA: z.string().min(1),
  LOALANG_PLATFORM_URL: z.url({ protocol: /^https?$/ }),
  LOALANG_ROOT_KEY: publicKeySchema,
  LOALANG_BROKER_URL: brokerUrlSchema.optional(),
  LOALANG_CA: z.string().min(1).optional(),
  LOALANG_JOIN_CODE: joinRequestSchema.shape.code.optional(),
  /** Where what is played goes. */
  LOALANG_SINK: z.enum(['null', 'wav', 'alsa']).default('null'),
  LOALANG_WAV_FOLDER: z.string().min(1).optional(),
  LOALANG_ALSA_DEVICE: z.string().min(1).default('default'),
});

export interface Configuration {
  readonly dataFolder: string;
  readonly platformUrl: string;
  readonly rootKey: string;
  readonly brokerUrl: string | null;
  /** A PEM file. */
  readonly caFile: string | null;
  readonly joinCode: string | null;
  readonly sink: SinkSettings;
}

/** Reads the environment; throws CONFIGURATION_INVALID with the name of what is wrong. */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new LoaLangError('CONFIGURATION_INVALID', {
      variable: issue?.path.join('.') ?? 'environment',
      detail: issue?.message ?? '',
    });
  }
  const values = parsed.data;
  readPlatformUrl(values.LOALANG_PLATFORM_URL);
  return {
    dataFolder: values.LOALANG_DATA,
    platformUrl: values.LOALANG_PLATFORM_URL,
    rootKey: values.LOALANG_ROOT_KEY,
    brokerUrl: values.LOALANG_BROKER_URL ?? null,
    caFile: values.LOALANG_CA ?? null,
    joinCode: values.LOALANG_JOIN_CODE ?? null,
    sink: sinkOf(values),
  };
}

function sinkOf(values: z.infer<typeof environmentSchema>): SinkSettings {
  switch (values.LOALANG_SINK) {
    case 'null':
      return { kind: 'null' };
    case 'wav':
      return { kind: 'wav', folder: values.LOALANG_WAV_FOLDER ?? `${values.LOALANG_DATA}/played` };
    case 'alsa':
      return { kind: 'alsa', device: values.LOALANG_ALSA_DEVICE };
  }
}
