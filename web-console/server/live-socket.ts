import { Buffer } from 'node:buffer';
import type { RawData, WebSocket } from 'ws';
import { errorAnswers, type App } from './http/app.ts';
import { LiveMicrophone, type MicrophoneParts } from './live-microphone.ts';
import type { SessionWatch } from './sessions/session-watch.ts';
import { personOf } from './sessions/visitor.ts';
import { LoaLangError } from '@loalang/shared';

/** Every microphone that is open, so that closing the server ends their broadcasts. */
export class LiveMicrophones {
  readonly #open = new Set<LiveMicrophone>();

  add(microphone: LiveMicrophone): void {
    this.#open.add(microphone);
    void microphone.closed.then(() => this.#open.delete(microphone));
  }

  /** Ends every live broadcast that is spoken here. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((microphone) => microphone.hangUp()));
  }
}

/** `GET /api/live`: a live microphone. See `liveStartSchema` in shared for what goes over it. */
export function addLiveSocket(
  app: App,
  parts: Pick<MicrophoneParts, 'air' | 'clock'> & {
    microphones: LiveMicrophones;
    sessions: SessionWatch;
  },
): void {
  app.route({
    method: 'GET',
    url: '/api/live',
    schema: {
      summary:
        'WebSocket: speak live. First message `LiveStart`, then binary sound; the server sends `LiveServerMessage`',
      response: errorAnswers,
    },
    handler: async () => {
      throw new LoaLangError('INPUT_INVALID', { field: 'upgrade' });
    },
    wsHandler: (socket, request) => {
      const { person, sessionToken } = personOf(request);
      const log = request.log;
      const microphone = new LiveMicrophone({
        air: parts.air,
        clock: parts.clock,
        requestId: request.id,
        person,
        log,
        wire: {
          send: (message) => socket.send(JSON.stringify(message)),
          close: (code) => socket.close(code),
        },
      });
      parts.microphones.add(microphone);
      listen(socket, microphone);
      const unwatch = parts.sessions.watch(sessionToken, () => microphone.endSession());
      socket.once('close', unwatch);
      microphone.open();
    },
  });
}

function listen(socket: WebSocket, microphone: LiveMicrophone): void {
  socket.on('message', (data, isBinary) => {
    const bytes = bytesOf(data);
    if (isBinary) microphone.takeSound(bytes);
    else microphone.takeText(bytes.toString('utf8'));
  });
  socket.once('close', () => void microphone.hangUp());
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
