export { Lanes } from './lanes.ts';
export { Link, PLATFORM_ID, type LinkParts, type Receivers } from './link.ts';
export { Outbox } from './outbox.ts';
export { parseJson } from './parse.ts';
export { RateBound } from './rate-bound.ts';
export { Reconciler } from './reconcile.ts';
