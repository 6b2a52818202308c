import type { FastifyRequest } from 'fastify';
import type { App } from './app.ts';

/** A host and port that may stand in a header without being able to end its directive. */
const HOST = /^[A-Za-z0-9.[\]:-]{1,260}$/;

/** Headers of every answer: nothing but our own origin may be loaded, and nobody may frame us. */
export function addSecurityHeaders(app: App, isHttps: (request: FastifyRequest) => boolean): void {
  app.addHook('onSend', async (request, reply, payload) => {
    reply.headers({
      'content-security-policy': contentSecurityPolicy(request.host, isHttps(request)),
      'x-content-type-options': 'nosniff',
      // Sign-in links carry their token in the address.
      'referrer-policy': 'no-referrer',
      'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    if (isHttps(request)) reply.header('strict-transport-security', 'max-age=31536000');
    if (reply.getHeader('cache-control') === undefined) reply.header('cache-control', 'no-store');
    return payload;
  });
}

/** Safari before 15.4 does not count WebSockets as 'self', so the address is named too. */
function contentSecurityPolicy(host: string, isSecure: boolean): string {
  const sockets = HOST.test(host) ? ` ${isSecure ? 'wss' : 'ws'}://${host}` : '';
  return [
    "default-src 'self'",
    `connect-src 'self'${sockets}`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "style-src 'self'",
    // Widths and positions of the timetable; an attribute can style, not load.
    "style-src-attr 'unsafe-inline'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}
