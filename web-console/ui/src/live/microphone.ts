import workletUrl from './capture-worklet.ts?worker&url';

export const SAMPLE_RATE = 48_000;

export type MicrophoneProblem = 'refused' | 'missing' | 'busy' | 'insecure';
export type Opened =
  | { readonly ok: true; readonly microphone: Microphone }
  | { readonly ok: false; readonly problem: MicrophoneProblem };

const problems: Readonly<Record<string, MicrophoneProblem>> = {
  NotAllowedError: 'refused',
  SecurityError: 'refused',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  AbortError: 'busy',
};

export interface MicrophoneEvents {
  /** 960 samples, 20 ms. */
  onBlock(block: Float32Array): void;
  /** Unplugged, or taken by the system. */
  onLost(): void;
}

/** The open microphone, until it is closed. */
export class Microphone {
  readonly #stream: MediaStream;
  readonly #context: AudioContext;
  readonly #node: AudioWorkletNode;

  constructor(stream: MediaStream, context: AudioContext, node: AudioWorkletNode) {
    this.#stream = stream;
    this.#context = context;
    this.#node = node;
  }

  /** Browsers hold sound back until somebody has clicked; called in a click, this lets it run. */
  async resume(): Promise<void> {
    await this.#context.resume();
  }

  close(): void {
    this.#node.disconnect();
    this.#node.port.close();
    this.#stream.getTracks().forEach((track) => track.stop());
    if (this.#context.state !== 'closed') void this.#context.close();
  }
}

/**
 * Opens the microphone as 48 kHz mono. Echo cancellation stays off: it takes the loudspeaker outside for an echo and
 * cuts the voice. Noise suppression and gain are the speaker's choice.
 */
export async function openMicrophone(isCleaned: boolean, events: MicrophoneEvents): Promise<Opened> {
  if (!window.isSecureContext || typeof AudioWorkletNode === 'undefined') {
    return { ok: false, problem: 'insecure' };
  }
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: false,
        noiseSuppression: isCleaned,
        autoGainControl: isCleaned,
      },
    });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : '';
    return { ok: false, problem: problems[name] ?? 'busy' };
  }
  try {
    return { ok: true, microphone: await connect(stream, events) };
  } catch {
    stream.getTracks().forEach((track) => track.stop());
    return { ok: false, problem: 'busy' };
  }
}

async function connect(stream: MediaStream, events: MicrophoneEvents): Promise<Microphone> {
  const context = new AudioContext({ sampleRate: SAMPLE_RATE });
  try {
    await context.audioWorklet.addModule(workletUrl);
    const node = new AudioWorkletNode(context, 'capture', {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      channelCount: 1,
      channelCountMode: 'explicit',
      channelInterpretation: 'speakers',
    });
    node.port.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (event.data instanceof Float32Array) events.onBlock(event.data);
    });
    node.port.start();
    context.createMediaStreamSource(stream).connect(node);
    // The node writes only silence; a node that leads nowhere might not be run.
    node.connect(context.destination);
    stream.getAudioTracks().forEach((track) => track.addEventListener('ended', () => events.onLost()));
    // Not awaited: before the first click on the page it would wait for that click.
    void context.resume();
    return new Microphone(stream, context, node);
  } catch (error) {
    void context.close();
    throw error;
  }
}
