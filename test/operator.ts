import { readFile } from 'node:fs/promises';
import {
  audioSchema,
  broadcastDetailSchema,
  broadcastSchema,
  type Broadcast,
  type BroadcastDetail,
  type NewBroadcast,
} from '@loalang/shared';
import type { System } from './system.ts';

/** Somebody at the console, without a browser: the first administrator of a system that has just been started. */
export class Operator {
  readonly #url: string;
  #cookie = '';

  private constructor(url: string) {
    this.#url = url;
  }

  static async signIn({ url, signInUrl }: System): Promise<Operator> {
    const operator = new Operator(url);
    const token = new URL(signInUrl ?? '').searchParams.get('ma');
    const answer = await operator.#send('/api/sign-in/link', {
      method: 'POST',
      body: JSON.stringify({ token }),
    });
    operator.#cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    return operator;
  }

  /** Uploads a file into the library and gives its id there. */
  async upload(path: string): Promise<string> {
    const body = new FormData();
    body.append('file', new Blob([await readFile(path)]), 'thong-bao.mp3');
    const answer = await this.#send('/api/audio', { method: 'POST', body });
    return audioSchema.parse(await answer.json()).id;
  }

  async broadcast(broadcast: NewBroadcast): Promise<Broadcast> {
    const answer = await this.#send('/api/broadcasts', { method: 'POST', body: JSON.stringify(broadcast) });
    return broadcastSchema.parse(await answer.json());
  }

  async detail(id: string): Promise<BroadcastDetail> {
    return broadcastDetailSchema.parse(await (await this.#send(`/api/broadcasts/${id}`)).json());
  }

  async #send(path: string, init: RequestInit = {}): Promise<Response> {
    const isJson = typeof init.body === 'string';
    const headers = { cookie: this.#cookie, ...(isJson && { 'content-type': 'application/json' }) };
    const answer = await fetch(new URL(path, this.#url), { ...init, headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}
