// `npm start`: set up what is missing, then run everything.
import { main, setUp } from './setup.mjs';

await main(async () => {
  setUp({ programs: ['ffmpeg'], withConsole: true });
  const { register } = await import('tsx/esm/api');
  register();
  const { start } = await import('./start.ts');
  await start();
});
