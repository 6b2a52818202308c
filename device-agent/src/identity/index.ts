export { IdentityStore } from './identity-store.ts';
export type { Membership } from './identity-store.ts';
export { JoinDesk } from './join-desk.ts';
export { needsRenewal } from './joining.ts';
export { askSignedTime } from './signed-time.ts';
