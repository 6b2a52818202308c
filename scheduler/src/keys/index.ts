export { ensureClientAuthority, loadClientAuthority } from './client-authority.ts';
export { loadKeys, readKeys, retireKeys, type PlatformKey, type PlatformKeys } from './load-keys.ts';
