import type { FastifyReply, FastifyRequest } from 'fastify';

const COOKIE = 'loalang';
/** As long as any session may be prolonged; the session itself may end sooner, which the database decides. */
const COOKIE_LIFE_S = 7 * 24 * 3600;

/** Tells whether the browser reached us over TLS, ours or a proxy's: then the cookie may travel over nothing else. */
export function makeIsHttps(publicUrl: URL | null): (request: FastifyRequest) => boolean {
  return (request) => request.protocol === 'https' || publicUrl?.protocol === 'https:';
}

/** The token of the session, as the browser shows it; null without one. */
export function readSessionToken(request: FastifyRequest): string | null {
  return request.cookies[COOKIE] ?? null;
}

/** Hands the browser a session. Scripts can't read the cookie, and other sites can't make the browser send it. */
export function setSessionCookie(reply: FastifyReply, session: { token: string; isHttps: boolean }): void {
  reply.setCookie(COOKIE, session.token, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: session.isHttps,
    maxAge: COOKIE_LIFE_S,
  });
}

/** Takes the session back. */
export function clearSessionCookie(reply: FastifyReply): void {
  reply.clearCookie(COOKIE, { path: '/', httpOnly: true, sameSite: 'strict' });
}
