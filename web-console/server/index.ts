export { createConsole, type Console, type ConsoleOptions } from './console.ts';
export type { Platform } from './platform.ts';
export { SESSION_ENDED_CLOSE_CODE } from './today-socket.ts';
