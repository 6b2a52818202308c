export { loadKeys, type PlatformKey, type PlatformKeys } from './load-keys.ts';
