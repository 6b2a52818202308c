// The thread's side: hands calls to the renderer and its events back.
import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread, Question, ThreadSettings, ToThread } from './messages.ts';
import type { Renderer, RendererEvents } from './renderer.ts';

const REPORT_EVERY_MS = 1_000;
/** A playout that stumbles fifty times a second is told of so often between two reports. */
const MOST_FAULTS = 8;

/** Serves whoever began this thread, until it is told to close. */
export async function serve(
  makeRenderer: (settings: ThreadSettings, events: RendererEvents) => Renderer,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('this is the entry of a thread, not of a process');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same build has put it there
  const settings = workerData as ThreadSettings;
  let packets = 0;
  let faults = 0;
  const send = (message: FromThread): void => port.postMessage(message);
  const report = (): void => {
    faults = 0;
    send({ kind: 'report', report: renderer.report, packets });
  };
  const renderer = makeRenderer(settings, {
    onProof: (draft) => send({ kind: 'proof', draft }),
    onReport: report,
    onFault: (error) => {
      faults += 1;
      if (faults <= MOST_FAULTS) send({ kind: 'fault', error: plainError(error) });
    },
  });
  const reply = async (message: ToThread): Promise<void> => {
    const words = await take(renderer, message);
    if (words !== null) send(words);
  };
  const timer = setInterval(report, REPORT_EVERY_MS);
  port.on('message', (message: ToThread) => {
    if (message.kind === 'packet') packets += 1;
    if (message.kind === 'close') clearInterval(timer);
    void reply(message);
  });
  await renderer.start();
  report();
}

async function take(renderer: Renderer, message: ToThread): Promise<FromThread | null> {
  switch (message.kind) {
    case 'timeline':
      renderer.setTimeline(message.line);
      return null;
    case 'plan':
      renderer.setPlan(message.plan);
      return null;
    case 'now':
      renderer.setNow(message.now);
      return null;
    case 'packet':
      renderer.insert(message.streamId, message.packet, message.nowUs);
      return null;
    case 'question':
      return { kind: 'answer', id: message.id, answer: await answer(renderer, message.question) };
    case 'close':
      await renderer.close();
      return { kind: 'closed', report: renderer.report };
  }
}

function answer(renderer: Renderer, question: Question) {
  return question.about === 'gaps'
    ? renderer.gaps(question.streamId, question.mediaUs, question.tailUntilUs)
    : renderer.recent(question.from, question.durationMs);
}

// What else an error carries may not be clonable.
function plainError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const plain = new Error(error.message);
  if (error.stack !== undefined) plain.stack = error.stack;
  return plain;
}
