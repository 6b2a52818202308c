export { Broker, type BrokerOptions } from './broker.ts';
export type { Clock } from './clock.ts';
export { defaultLimits, type BrokerLimits } from './limits/bounds.ts';
export type { BrokerSnapshot } from './metrics/metrics.ts';
