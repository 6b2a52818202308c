export { LocalRenderer } from './local-renderer.ts';
export { ThreadRenderer } from './thread-renderer.ts';
export type { Renderer, RenderReport } from './renderer.ts';
