export { loadKeys, readKeys, type PlatformKey, type PlatformKeys } from './load-keys.ts';
