export { RepairDesk } from './repair-desk.ts';
