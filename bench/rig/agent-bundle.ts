import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { ROOT } from './children.ts';

/** Under node_modules, so that what stays outside (native and WebAssembly libraries) is found from it. */
const FOLDER = join(ROOT, 'node_modules', '.loalang-bench-agent');
const SOURCE = join(ROOT, 'device-agent', 'src');

/**
 * The agent as a receiver has it, in plain JavaScript: running it from TypeScript would measure the compiler too. Gives
 * the file to start.
 */
export async function bundleAgent(): Promise<string> {
  const thread = join(SOURCE, 'renderer', 'thread.ts');
  const input = { main: join(SOURCE, 'main.ts'), ...(existsSync(thread) && { thread }) };
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, external: ['koffi', 'libopus-wasm', 'node-opus'] },
    build: {
      ssr: true,
      outDir: FOLDER,
      emptyOutDir: true,
      target: 'node20',
      rolldownOptions: { input, output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' } },
    },
  });
  return join(FOLDER, 'main.js');
}
