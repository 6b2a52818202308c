import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import websocket from '@fastify/websocket';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { LoaLangError } from '@loalang/shared';
import type { App } from './http/app.ts';
import { answerErrors, sendError } from './http/error-answer.ts';
import { addOpenApiRoute, describeRoutes } from './http/openapi.ts';
import { cutOffRefusedUploads } from './http/lingering-close.ts';
import { requireSameOrigin } from './http/same-origin.ts';
import { addSecurityHeaders } from './http/security-headers.ts';
import { serveUi } from './http/static-ui.ts';
import { addLiveSocket, LiveMicrophones } from './live-socket.ts';
import { MAX_MESSAGE_BYTES } from './live-microphone.ts';
import type { Platform } from './platform.ts';
import { addAudioRoutes } from './routes/audio.ts';
import { addBroadcastRoutes } from './routes/broadcasts.ts';
import { addDeviceRoutes } from './routes/device.ts';
import { addDeviceSettingsRoute } from './routes/device-settings.ts';
import { addEnrolmentRoutes } from './routes/enrolment.ts';
import { addHealthRoute } from './routes/health.ts';
import { addLatenciesRoute } from './routes/latencies.ts';
import { addListenRoutes } from './routes/listen.ts';
import { addPeopleRoutes } from './routes/people.ts';
import { addSignInRoutes } from './routes/sign-in.ts';
import { addUnitRoutes } from './routes/units.ts';
import { enforceAccess } from './sessions/access.ts';
import { makeIsHttps } from './sessions/cookie.ts';
import { SessionWatch } from './sessions/session-watch.ts';
import { SignInBrake } from './sessions/sign-in-brake.ts';
import { addTodaySocket, TodayFeed } from './today-socket.ts';

export interface ConsoleOptions {
  readonly platform: Platform;
  /** The built single-page app. */
  readonly uiFolder: string;
  /** How people reach the console where a proxy stands before it; also makes cookies secure when it is https. */
  readonly publicUrl?: URL;
  /** Addresses of proxies whose X-Forwarded-* headers are believed. */
  readonly trustedProxies?: readonly string[];
  readonly version?: string;
  readonly log: Logger;
}

export interface Console {
  /** The server, for tests (`inject`) and for routes of whoever embeds it. */
  readonly app: App;
  /** Listens; port 0 takes a free one. Returns the port. Throws PORT_TAKEN. */
  listen(address: { port: number; host: string }): Promise<number>;
  /** Ends live broadcasts that are spoken here, closes every socket and stops. */
  close(): Promise<void>;
}

const MAX_JSON_BYTES = 128 * 1024;
/** A connection on which nothing moves for so long is closed; a slow upload moves. */
const IDLE_MS = 60_000;
/** A whole request, the largest upload over a slow line included. */
const REQUEST_MS = 60 * 60_000;
const HEADERS_MS = 20_000;
const MAX_CONNECTIONS = 10_000;
const CLOSE_WITHIN_MS = 3_000;

/** Builds the console's server. Throws where a route lacks its row in `routeRules`. */
export async function createConsole(options: ConsoleOptions): Promise<Console> {
  const app = createApp(options);
  const parts = buildParts(options);
  await addPlugins(app, options, parts);
  await addRoutes(app, options, parts);
  await app.ready();
  parts.feed.start();
  return { app, listen: (address) => listen(app, address), close: once(() => close(app, parts)) };
}

type Parts = ReturnType<typeof buildParts>;

function createApp(options: ConsoleOptions): App {
  // Named by the interface, so that the type of the server does not depend on the logger's.
  const loggerInstance: FastifyBaseLogger = options.log;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    // People read it to the district over the telephone: short, and never the same twice.
    genReqId: () => randomBytes(5).toString('hex'),
    trustProxy: [...(options.trustedProxies ?? [])],
    bodyLimit: MAX_JSON_BYTES,
    connectionTimeout: IDLE_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: IDLE_MS,
    // What is no request of ours at all (an address that can't be decoded) gets the one shape too.
    frameworkErrors: (error, request, reply) => {
      sendError(request, reply, error);
    },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    return503OnClosing: true,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
  }).withTypeProvider<ZodTypeProvider>();
  app.server.headersTimeout = HEADERS_MS;
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  // Forms of other sites can send text/plain without asking first.
  app.removeContentTypeParser('text/plain');
  takeEmptyJson(app);
  return app;
}

/** A stop must not fail because a client names a content type without sending content. */
function takeEmptyJson(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body.toString(), done);
  });
}

function buildParts({ platform, log, publicUrl }: ConsoleOptions) {
  const { clock, people } = platform;
  return {
    isHttps: makeIsHttps(publicUrl ?? null),
    brake: new SignInBrake(clock),
    sessions: new SessionWatch({ people, clock, log }),
    feed: new TodayFeed({ platform, clock, log }),
    microphones: new LiveMicrophones(),
  };
}

async function addPlugins(app: App, options: ConsoleOptions, parts: Parts): Promise<void> {
  answerErrors(app);
  // Comes first: it closes the sockets of upgrades that the hooks after it refuse.
  await app.register(websocket, {
    // Four times what the microphone takes, so that it can say what was wrong before the protocol itself gives up.
    options: { maxPayload: 4 * MAX_MESSAGE_BYTES, perMessageDeflate: false },
    // A broken socket is its owner's network, not a fault of ours.
    errorHandler: (error, socket, request) => {
      request.log.info({ err: error }, 'socket failed');
      socket.terminate();
    },
  });
  await app.register(cookie);
  addSecurityHeaders(app, parts.isHttps);
  cutOffRefusedUploads(app);
  requireSameOrigin(app, options.publicUrl ?? null);
  enforceAccess(app, options.platform);
  await describeRoutes(app, options.version ?? '0.1.0');
}

async function addRoutes(app: App, options: ConsoleOptions, parts: Parts): Promise<void> {
  const { platform } = options;
  addHealthRoute(app, platform);
  addOpenApiRoute(app);
  await addSignInRoutes(app, { platform, ...parts });
  addPeopleRoutes(app, { platform, brake: parts.brake });
  addUnitRoutes(app, platform);
  addBroadcastRoutes(app, platform);
  addTodaySocket(app, parts);
  await addAudioRoutes(app, { platform, sessions: parts.sessions });
  addLiveSocket(app, { air: platform.air, clock: platform.clock, ...parts });
  addLatenciesRoute(app, platform);
  addDeviceSettingsRoute(app, platform);
  addEnrolmentRoutes(app, platform);
  addListenRoutes(app, platform);
  await addDeviceRoutes(app, platform);
  await serveUi(app, options.uiFolder);
}

async function listen(app: App, address: { port: number; host: string }): Promise<number> {
  try {
    await app.listen(address);
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== 'EADDRINUSE') throw cause;
    throw new LoaLangError('PORT_TAKEN', { port: address.port, variable: 'LOALANG_HTTP_PORT' }, { cause });
  }
  return boundPort(app.server.address());
}

function boundPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new TypeError('the server listens on no port');
  return address.port;
}

async function close(app: App, parts: Parts): Promise<void> {
  parts.feed.close();
  await parts.microphones.close();
  parts.sessions.close();
  // A browser that does not answer the closing handshake must not hold us up.
  const giveUp = setTimeout(() => {
    for (const socket of app.websocketServer.clients) socket.terminate();
  }, CLOSE_WITHIN_MS);
  await app.close();
  clearTimeout(giveUp);
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= act());
}
