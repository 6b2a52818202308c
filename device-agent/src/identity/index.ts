export { IdentityStore } from './identity-store.ts';
export type { Membership } from './identity-store.ts';
export { checkAnswer, needsRenewal } from './joining.ts';
export { askSignedTime } from './signed-time.ts';
