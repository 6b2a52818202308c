export { Backoff, pause } from './backoff.ts';
export { BrokerLink } from './broker-link.ts';
export type { BrokerTls } from './broker-socket.ts';
export { Inbox } from './inbox.ts';
export { HttpRefused, PlatformHttp } from './platform-http.ts';
export type { Authorize } from './platform-http.ts';
export { Reception } from './reception.ts';
export { Refusals } from './refusals.ts';
export { StreamGate } from './stream-gate.ts';
