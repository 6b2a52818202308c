export { LocalRenderer } from './local-renderer.ts';
export { ThreadRenderer } from './thread-renderer.ts';
export type { Renderer, RenderItem, RenderReport } from './renderer.ts';
