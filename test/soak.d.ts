import type { ProvidedContext } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** How many times longer than in `npm test` whatever is seeded runs. */
    soak: number;
  }
}

export type Soak = ProvidedContext['soak'];
