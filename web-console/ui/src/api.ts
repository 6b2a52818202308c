// The console's only way to the server. Answers are typed by shared's schemas, which the server checks before it sends
// them; to check them again here would bring zod into the first screen.
import type {
  AddedDevice,
  Audio,
  Broadcast,
  BroadcastDetail,
  DeviceSettings,
  ErrorAnswer,
  LatencyChoice,
  MediaTime,
  NewBroadcast,
  NewDevice,
  NewPerson,
  Person,
  Retirement,
  Today,
  Unit,
  WaitingBoard,
} from '@loalang/shared';
import { language, words } from './words/index.ts';

/** Why a request failed, with one sentence for the person. `OFFLINE`: the server was not reached. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly field: string | null;
}
export type Answer<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export interface StopAnswer {
  readonly stopped: readonly string[];
  readonly deviceCount: number;
}
export interface ListenAnswer {
  readonly id: string;
  readonly from: MediaTime;
  readonly durationMs: number;
}

let onSignedOut: () => void = () => {};

/** Says whom to tell when the server no longer knows the session. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

export const offline = (): Failure => ({ code: 'OFFLINE', message: words.errors.network, field: null });
const unreadable = (): Failure => ({ code: 'UNKNOWN', message: words.errors.unknown, field: null });

/** Reads JSON that our own server wrote, which it checked against shared's schemas. Throws where it is no JSON. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says which route it asked
export function readAnswer<T>(text: string): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one door through which answers come
  return JSON.parse(text) as T;
}

function isErrorAnswer(body: unknown): body is ErrorAnswer {
  return typeof body === 'object' && body !== null && 'error' in body;
}

/** Reads the body of a refusal; anything that is not ours (a proxy's page) is "unknown". */
function failureOf(text: string): Failure {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return unreadable();
  }
  if (!isErrorAnswer(body)) return unreadable();
  const { code, field } = body.error;
  if (code === 'SIGN_IN_REQUIRED') onSignedOut();
  return { code, message: body.error[language], field: field ?? null };
}

async function send(method: string, path: string, body?: unknown): Promise<Answer<Response>> {
  const init: RequestInit = { method, headers: { accept: 'application/json' }, credentials: 'same-origin' };
  if (body !== undefined) {
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  try {
    const response = await fetch(path, init);
    if (response.ok) return { ok: true, value: response };
    return { ok: false, failure: failureOf(await response.text()) };
  } catch {
    return { ok: false, failure: offline() };
  }
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  const answer = await send(method, path, body);
  if (!answer.ok) return answer;
  try {
    const text = await answer.value.text();
    return { ok: true, value: readAnswer<T>(text === '' ? 'null' : text) };
  } catch {
    return { ok: false, failure: unreadable() };
  }
}

export const api = {
  me: () => ask<Person>('GET', '/api/me'),
  signIn: (username: string, password: string) => ask<Person>('POST', '/api/sign-in', { username, password }),
  signInByLink: (token: string) => ask<Person>('POST', '/api/sign-in/link', { token }),
  signOut: () => ask<unknown>('POST', '/api/sign-out', {}),
  changePassword: (current: string | null, next: string) =>
    ask<unknown>('PUT', '/api/me/password', { current, next }),
  people: () => ask<Person[]>('GET', '/api/people'),
  addPerson: (person: NewPerson) => ask<Person>('POST', '/api/people', person),
  units: () => ask<Unit[]>('GET', '/api/units'),
  today: () => ask<Today>('GET', '/api/today'),
  library: () => ask<Audio[]>('GET', '/api/audio'),
  audio: (id: string) => ask<Audio>('GET', `/api/audio/${id}`),
  soundUrl: (audioId: string) => `/api/audio/${audioId}/sound`,
  sendBroadcast: (broadcast: NewBroadcast) => ask<Broadcast>('POST', '/api/broadcasts', broadcast),
  broadcast: (id: string) => ask<BroadcastDetail>('GET', `/api/broadcasts/${id}`),
  stop: (id: string) => ask<unknown>('POST', `/api/broadcasts/${id}/stop`, {}),
  stopAll: () => ask<StopAnswer>('POST', '/api/stop', {}),
  latencies: (unitIds: readonly string[]) =>
    ask<LatencyChoice>(
      'GET',
      `/api/live/latencies?${new URLSearchParams(unitIds.map((id) => ['unitIds', id]))}`,
    ),
  changeDevice: (id: string, settings: DeviceSettings) =>
    ask<DeviceSettings>('PUT', `/api/devices/${id}`, settings),
  findBoard: (code: string) => ask<WaitingBoard>('POST', '/api/boards', { code }),
  addDevice: (device: NewDevice) => ask<AddedDevice>('POST', '/api/devices', device),
  exchangeBoard: (id: string, code: string) => ask<AddedDevice>('POST', `/api/devices/${id}/board`, { code }),
  retireDevice: (id: string) => ask<Retirement>('POST', `/api/devices/${id}/retire`, {}),
  listen: (deviceId: string, from: MediaTime | null, durationMs: number) =>
    ask<ListenAnswer>('POST', `/api/devices/${deviceId}/listen`, { from, durationMs }),
};

/** Fetches a stretch that a receiver recorded (Ogg Opus). */
export async function fetchRecording(id: string): Promise<Answer<ArrayBuffer>> {
  const answer = await send('GET', `/api/recordings/${id}`);
  if (!answer.ok) return answer;
  try {
    return { ok: true, value: await answer.value.arrayBuffer() };
  } catch {
    return { ok: false, failure: offline() };
  }
}

export interface Upload {
  readonly done: Promise<Answer<Audio>>;
  cancel(): void;
}

/** Uploads one file. XMLHttpRequest, since fetch does not tell how much has left. A share of 1: the server works on it. */
export function uploadAudio(file: File, onProgress: (share: number) => void): Upload {
  const request = new XMLHttpRequest();
  const form = new FormData();
  form.append('file', file, file.name);
  const done = new Promise<Answer<Audio>>((resolve) => {
    const fail = (): void => resolve({ ok: false, failure: offline() });
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / total));
    request.upload.addEventListener('load', () => onProgress(1));
    request.addEventListener('load', () => resolve(readUpload(request)));
    request.addEventListener('error', fail);
    request.addEventListener('abort', fail);
  });
  request.open('POST', '/api/audio');
  request.setRequestHeader('accept', 'application/json');
  request.send(form);
  return { done, cancel: () => request.abort() };
}

function readUpload(request: XMLHttpRequest): Answer<Audio> {
  if (request.status < 200 || request.status > 299) {
    return { ok: false, failure: failureOf(request.responseText) };
  }
  try {
    return { ok: true, value: readAnswer<Audio>(request.responseText) };
  } catch {
    return { ok: false, failure: unreadable() };
  }
}

/** The address of a WebSocket of this server. */
export function socketUrl(path: string): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;
}
