export { Lanes } from './lanes.ts';
export { Link, type LinkParts, type Receivers } from './link.ts';
export { Outbox } from './outbox.ts';
export { parseJson } from './parse.ts';
export { RateBound } from './rate-bound.ts';
export { Reconciler } from './reconcile.ts';
