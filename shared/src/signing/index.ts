export * from './identity.ts';
export * from './jws.ts';
export * from './keys.ts';
export * from './packet.ts';
export * from './trust.ts';
export * from './used-tokens.ts';
export * from './x509.ts';
