// The entry of the renderer's thread: a sink by its settings, played by the same code as in any thread.
import { systemClock } from '../clock/index.ts';
import { openSink, takeRealTimePriority } from '../sink/index.ts';
import { LocalRenderer } from './local-renderer.ts';
import { serve } from './serve.ts';

await serve(({ sink: settings, progress, reasonBefore, heldCard }, events) => {
  const sink = openSink(settings, {
    clock: systemClock,
    mediaTimeAt: (monotonicUs) => renderer.mediaTimeAt(monotonicUs),
    raisePriority: takeRealTimePriority,
    heldCard,
    onError: events.onFault,
  });
  const around = { clock: systemClock, random: Math.random, progress, reasonBefore, events };
  const renderer = new LocalRenderer({ ...around, sink });
  return renderer;
});
