export { deviceState, isSilent, SILENT_AFTER_MS } from './device-state.ts';
export * as deviceRepository from './device-repository.ts';
export { DeviceViews } from './device-views.ts';
export { Fleet } from './fleet.ts';
export { Identities } from './identities.ts';
export { Listening, type ListenAnswer, type ListenRequest } from './listening.ts';
export { RevokedList } from './revoked-list.ts';
export { StatusIntake } from './status-intake.ts';
