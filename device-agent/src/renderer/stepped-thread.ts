// For tests: the renderer's thread with a sink that is moved by hand, by a channel.
import { LocalRenderer } from './local-renderer.ts';
import { serve } from './serve.ts';
import { SteppedSink, stepChannel, type Step } from './stepped-sink.ts';

const sink = new SteppedSink();
const channel = stepChannel((said) => {
  if (!(said instanceof Float32Array)) void play(said);
});

async function play(step: Step): Promise<void> {
  channel.say(await sink.take(step));
}

await serve(({ progress, reasonBefore }, events) => {
  return new LocalRenderer({ sink, clock: sink.clock, random: () => 0, progress, reasonBefore, events });
});
