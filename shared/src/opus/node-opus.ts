// The native encoder is optional: npm may not have compiled it, and an addon of its age loads in the
// main thread only. Whether it loads is found out once a process.
import { createRequire } from 'node:module';

/** The part of node-opus 0.3 that is used here. */
export interface NodeOpusEncoder {
  encode(pcm: Buffer, maxPacketBytes: number): Buffer;
  setBitrate(bitrate: number): void;
}

interface NodeOpusModule {
  OpusEncoder: new (sampleRate: number, channels: number, application: number) => NodeOpusEncoder;
}

let loaded: { module: NodeOpusModule | null } | undefined;

/** node-opus if its native build loads here, else null. */
export function loadNodeOpus(): NodeOpusModule | null {
  loaded ??= { module: tryLoad() };
  return loaded.module;
}

/** Whether the native encoder can be used in this thread. */
export function isNodeOpusBuilt(): boolean {
  return loadNodeOpus() !== null;
}

function tryLoad(): NodeOpusModule | null {
  try {
    const module: unknown = createRequire(import.meta.url)('node-opus');
    return isNodeOpus(module) ? module : null;
  } catch {
    // Not installed, not compiled, or compiled for another Node: the WebAssembly encoder does its work.
    return null;
  }
}

function isNodeOpus(module: unknown): module is NodeOpusModule {
  return (
    typeof module === 'object' &&
    module !== null &&
    'OpusEncoder' in module &&
    typeof module.OpusEncoder === 'function'
  );
}
