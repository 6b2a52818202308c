export { loadKeys, readKeys, retireKeys, type PlatformKey, type PlatformKeys } from './load-keys.ts';
