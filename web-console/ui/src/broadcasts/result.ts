import type { Broadcast, BroadcastDetail, CellState, Device, Receipt } from '@loalang/shared';
import { areOneUnit, deviceTitle } from '../devices/device-name.ts';
import { clockTime, spanText } from '../format/time.ts';
import { words } from '../words/index.ts';
import { phaseOf } from './phase.ts';
import { countGood } from './weave.ts';

/** The last column of the day's log: "10/12" with what it counts beneath. */
export interface RowResult {
  readonly count: string;
  readonly note: string;
}

const countOf = (broadcast: Pick<Broadcast, 'cells'>, state: CellState): number =>
  broadcast.cells.filter((cell) => cell.state === state).length;

/** Counts what matters at this stage: on disk before, sounding during, played in full afterwards. */
export function rowResult(broadcast: Broadcast, now: number): RowResult {
  const all = broadcast.cells.length;
  const phase = phaseOf(broadcast, now);
  if (phase === 'skipped') return { count: words.calendar.skipped, note: '' };
  if (phase === 'coming') {
    return {
      count: `${countGood(broadcast.cells.map(({ state }) => state))}/${all}`,
      note: words.today.cached,
    };
  }
  if (phase === 'on-air') {
    const sounding = countOf(broadcast, 'playing') + countOf(broadcast, 'played');
    return { count: `${sounding}/${all}`, note: words.today.playing };
  }
  return { count: `${countOf(broadcast, 'played')}/${all}`, note: overNote(broadcast) };
}

function overNote(broadcast: Broadcast): string {
  if (broadcast.stoppedAt !== null && broadcast.kind === 'file') {
    return words.today.stoppedAt(clockTime(broadcast.stoppedAt));
  }
  const partial = countOf(broadcast, 'partial');
  if (partial > 0) return words.today.onlyPartial(partial);
  const unconfirmed = countOf(broadcast, 'unconfirmed');
  return unconfirmed > 0 ? words.today.unconfirmedCount(unconfirmed) : '';
}

/** The first line of a broadcast's page: what happened, before anything is asked. */
export function verdict(detail: BroadcastDetail, devices: ReadonlyMap<string, Device>, now: number): string {
  const all = detail.receipts.length;
  switch (phaseOf(detail, now)) {
    case 'skipped':
      return words.broadcast.cancelled;
    case 'coming':
      return comingVerdict(detail, now);
    case 'on-air': {
      const sounding = detail.receipts.filter(
        ({ state }) => state === 'playing' || state === 'played',
      ).length;
      return words.broadcast.playing(sounding, all);
    }
    case 'over':
      return overVerdict(detail, devices);
  }
}

function comingVerdict(detail: BroadcastDetail, now: number): string {
  const starts = words.broadcast.startsIn(spanText((detail.startAt - now) / 1000));
  if (detail.kind === 'live') return words.broadcast.waitingLive(detail.receipts.length);
  const cached = detail.receipts.filter((receipt) => receipt.isCached).length;
  return `${starts} ${words.broadcast.preparing(cached, detail.receipts.length)}`;
}

function overVerdict(detail: BroadcastDetail, devices: ReadonlyMap<string, Device>): string {
  const { receipts } = detail;
  const full = receipts.filter(({ state }) => state === 'played').length;
  const stoppedAt = detail.kind === 'file' ? detail.stoppedAt : null;
  return [
    stoppedAt === null ? '' : words.broadcast.stopped(clockTime(stoppedAt)),
    full === receipts.length ? words.broadcast.allFull(full) : words.broadcast.full(full, receipts.length),
    parts(receipts, devices),
    missed(receipts, devices),
    unproved(receipts),
  ]
    .filter(Boolean)
    .join(' ');
}

function titleOf(receipt: Receipt, devices: ReadonlyMap<string, Device>): string {
  return deviceTitle(devices.get(receipt.deviceId), areOneUnit(devices.values()));
}

/** Up to two are named, more are counted. */
const MOST_NAMED = 2;

function parts(receipts: readonly Receipt[], devices: ReadonlyMap<string, Device>): string {
  const partial = receipts.filter(({ state }) => state === 'partial');
  if (partial.length > MOST_NAMED) return words.broadcast.someParts(partial.length);
  return partial
    .map((one) => words.broadcast.onePart(titleOf(one, devices), spanText(one.missedMs)))
    .join(' ');
}

function missed(receipts: readonly Receipt[], devices: ReadonlyMap<string, Device>): string {
  const silent = receipts.filter(({ state }) => state === 'missed');
  if (silent.length > MOST_NAMED) return words.broadcast.someMissed(silent.length);
  return silent.map((one) => words.broadcast.oneMissed(titleOf(one, devices))).join(' ');
}

function unproved(receipts: readonly Receipt[]): string {
  const count = receipts.filter(({ state }) => state === 'unconfirmed').length;
  return count === 0 ? '' : words.broadcast.someUnconfirmed(count);
}

/** Share of the broadcast that was heard, in whole percent; 100 only where nothing is missing. */
export function heardPercent(receipt: Pick<Receipt, 'playedMs' | 'missedMs' | 'concealedMs'>): number {
  const all = receipt.playedMs + receipt.missedMs + receipt.concealedMs;
  return all === 0 ? 0 : Math.floor((100 * receipt.playedMs) / all);
}

/** The conclusion of one row of the receipt matrix. */
export function receiptVerdict(receipt: Receipt): string {
  const reason = receipt.reason === null ? '' : words.missed[receipt.reason];
  const state =
    receipt.state === 'partial'
      ? words.broadcast.part(spanText(receipt.missedMs))
      : words.cells[receipt.state];
  const text = state[0]?.toLocaleUpperCase('vi') + state.slice(1);
  const isFailure = receipt.state === 'partial' || receipt.state === 'missed';
  return isFailure && reason !== '' ? words.broadcast.because(text, reason) : text;
}
