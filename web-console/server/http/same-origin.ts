import { LoaLangError } from '@loalang/shared';
import type { App } from './app.ts';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What a browser says about where a request comes from. */
export interface RequestOrigin {
  readonly method: string;
  readonly isUpgrade: boolean;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  /** Host and port that the request was sent to. */
  readonly host: string;
}

/**
 * May this request act? Every browser of the last years sends Origin with unsafe methods and with WebSocket upgrades, so
 * a request without one comes from no browser and carries nobody's cookie by accident. Together with SameSite=Strict
 * this is what keeps other sites from acting with a signed-in person's cookie.
 */
export function isSameOrigin(request: RequestOrigin, publicUrl: URL | null): boolean {
  if (SAFE_METHODS.has(request.method) && !request.isUpgrade) return true;
  if (
    request.fetchSite !== undefined &&
    request.fetchSite !== 'same-origin' &&
    request.fetchSite !== 'none'
  ) {
    return false;
  }
  if (request.origin === undefined) return true;
  if (!URL.canParse(request.origin)) return false;
  const { host } = new URL(request.origin);
  return host === request.host.toLowerCase() || host === publicUrl?.host;
}

/** Refuses what another site makes a browser send. */
export function requireSameOrigin(app: App, publicUrl: URL | null): void {
  app.addHook('onRequest', async (request) => {
    const { origin, upgrade, 'sec-fetch-site': fetchSite } = request.headers;
    const shown = {
      method: request.method,
      isUpgrade: upgrade !== undefined,
      origin,
      fetchSite: typeof fetchSite === 'string' ? fetchSite : undefined,
      host: request.host,
    };
    if (!isSameOrigin(shown, publicUrl)) throw new LoaLangError('FORBIDDEN');
  });
}
