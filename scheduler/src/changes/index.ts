export { Changes, type Unsubscribe } from './changes.ts';
