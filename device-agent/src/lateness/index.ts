export { LatenessDesk } from './lateness-desk.ts';
