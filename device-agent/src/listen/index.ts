export { ListenDesk } from './listen-desk.ts';
