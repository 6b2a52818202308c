import { describe, expect, it } from 'vitest';
import { readConfiguration } from './configuration.ts';

const least = { LOALANG_DATA: '/var/lib/loalang', LOALANG_BROKER_URL: 'mqtt://127.0.0.1:1883' };

describe('the configuration', () => {
  it('needs a folder and a broker, and has a default for all else', () => {
    expect(readConfiguration(least)).toEqual({
      ...least,
      LOALANG_HTTP_PORT: 8080,
      LOALANG_HTTP_HOST: '127.0.0.1',
      LOALANG_BROKER_NAME: 'loalang',
      LOALANG_LOG_LEVEL: 'info',
    });
  });

  it('takes an empty variable as one that is not set', () => {
    const empty = {
      DATABASE_URL: '',
      LOALANG_HTTP_PORT: '',
      LOALANG_SAMPLE: '',
      LOALANG_BROKER_PUBLIC_URL: '',
    };
    expect(readConfiguration({ ...least, ...empty })).toMatchObject({ LOALANG_HTTP_PORT: 8080 });
  });

  it('reads lists of proxies', () => {
    const { LOALANG_HTTP_TRUSTED_PROXIES } = readConfiguration({
      ...least,
      LOALANG_HTTP_TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16,',
    });
    expect(LOALANG_HTTP_TRUSTED_PROXIES).toEqual(['10.0.0.1', '10.1.0.0/16']);
  });

  it.each([
    ['LOALANG_DATA', { LOALANG_DATA: undefined }],
    ['LOALANG_HTTP_PORT', { LOALANG_HTTP_PORT: '70000' }],
    ['LOALANG_BROKER_URL', { LOALANG_BROKER_URL: 'http://127.0.0.1' }],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://x' }],
    ['LOALANG_HTTP_PUBLIC_URL', { LOALANG_HTTP_PUBLIC_URL: 'loa.example' }],
  ])('names %s where it is wrong', (variable, change) => {
    let thrown: unknown = null;
    try {
      readConfiguration({ ...least, ...change });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'CONFIGURATION_INVALID', details: { variable } });
  });
});
