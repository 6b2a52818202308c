export { Broker, type BrokerOptions } from './broker.ts';
export type { Clock } from './clock.ts';
export type { CertificateFiles } from './listeners/certificate-pair.ts';
export type { Incoming, ListenerSettings, Transport } from './listeners/listener.ts';
export type { OpenListener } from './listeners/listeners.ts';
export { readListeners } from './listeners/read-listeners.ts';
export { defaultLimits, type BrokerLimits } from './limits/bounds.ts';
export type { BrokerSnapshot } from './metrics/metrics.ts';
