import type { FastifyRequest } from 'fastify';
import { LoaLangError, type Person, type RouteRole } from '@loalang/shared';

/** Who makes a request, once `access` has looked. */
export type Visitor =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'person'; readonly person: Person; readonly sessionToken: string }
  | { readonly kind: 'receiver'; readonly deviceId: string };

declare module 'fastify' {
  interface FastifyRequest {
    /** Null before anybody has looked. */
    visitor: Visitor | null;
  }
  interface FastifyContextConfig {
    /** Who may use the route: the row of `routeRules`. */
    allowed?: readonly RouteRole[];
  }
}

/** The signed-in person of a request, with the session. Throws SIGN_IN_REQUIRED where there is none. */
export function personOf(request: FastifyRequest): { person: Person; sessionToken: string } {
  if (request.visitor?.kind !== 'person') throw new LoaLangError('SIGN_IN_REQUIRED');
  return request.visitor;
}

/** The receiver that makes a request. Throws DEVICE_UNKNOWN where it is none. */
export function receiverOf(request: FastifyRequest): string {
  if (request.visitor?.kind !== 'receiver') throw new LoaLangError('DEVICE_UNKNOWN');
  return request.visitor.deviceId;
}
