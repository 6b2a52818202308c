import type { BroadcastDetail, CellState, Receipt } from '@loalang/shared';
import { describe, expect, it } from 'vitest';
import { heardPercent, receiptVerdict, rowResult, verdict } from './result.ts';
import { at, broadcast, device } from './sample.ts';

const now = at('17:08:24');
const devices = new Map([1, 2, 3, 4].map((number) => [`d-a${number}`, device('a', number)]));

function receipt(deviceId: string, state: CellState, change: Partial<Receipt> = {}): Receipt {
  return {
    deviceId,
    state,
    isPlanned: true,
    isCached: state !== 'waiting',
    startedAt: null,
    endedAt: null,
    playedMs: 0,
    missedMs: 0,
    concealedMs: 0,
    reason: null,
    levelDbfs: null,
    amplifierA: null,
    ...change,
  };
}

function detail(
  from: string,
  to: string,
  receipts: Receipt[],
  change: Partial<BroadcastDetail> = {},
): BroadcastDetail {
  return {
    ...broadcast('x', from, to, {}),
    receipts,
    audioSha256: null,
    createdAt: at('05:00:00'),
    ...change,
  };
}

describe('the verdict on a broadcast', () => {
  it('says first what happened, and names up to two that failed', () => {
    const receipts = [
      receipt('d-a1', 'played'),
      receipt('d-a2', 'played'),
      receipt('d-a3', 'partial', { missedMs: 178_000 }),
      receipt('d-a4', 'missed'),
    ];
    expect(verdict(detail('06:00:00', '06:08:00', receipts), devices, now)).toBe(
      '2 trên 4 loa phát đủ. Loa 3 Thôn 3 thiếu 2 phút 58 giây. Loa 4 Thôn 4 không phát.',
    );
  });

  it('never counts as played what no loudspeaker has confirmed', () => {
    const receipts = [receipt('d-a1', 'played'), receipt('d-a2', 'unconfirmed')];
    expect(verdict(detail('06:00:00', '06:08:00', receipts), devices, now)).toBe(
      '1 trên 2 loa phát đủ. 1 loa chưa có xác nhận.',
    );
  });

  it('tells of what is coming, on air and skipped', () => {
    const receipts = [receipt('d-a1', 'cached'), receipt('d-a2', 'waiting')];
    expect(verdict(detail('17:08:54', '17:12:00', receipts), devices, now)).toBe(
      'Phát sau 30 giây. 1 trên 2 loa đã giữ sẵn tiếng.',
    );
    expect(verdict(detail('17:00:00', '17:20:00', [receipt('d-a1', 'playing')]), devices, now)).toBe(
      '1 trên 1 loa đang phát.',
    );
    const skipped = detail('17:20:00', '17:30:00', receipts, { stoppedAt: at('17:01:00') });
    expect(verdict(skipped, devices, now)).toBe('Đã bỏ trước giờ phát.');
  });

  it('gives the reason beside each failure', () => {
    expect(receiptVerdict(receipt('d-a1', 'missed', { reason: 'powered-off' }))).toBe(
      'Không phát: loa mất điện',
    );
    expect(receiptVerdict(receipt('d-a1', 'partial', { missedMs: 60_000, reason: 'interrupted' }))).toBe(
      'Thiếu 1 phút: bị bản tin khác ngắt',
    );
    expect(receiptVerdict(receipt('d-a1', 'played', { reason: null }))).toBe('Phát đủ');
  });

  it('shows a hundred percent only where nothing is missing', () => {
    expect(heardPercent({ playedMs: 479_980, missedMs: 20, concealedMs: 0 })).toBe(99);
    expect(heardPercent({ playedMs: 480_000, missedMs: 0, concealedMs: 0 })).toBe(100);
    expect(heardPercent({ playedMs: 0, missedMs: 0, concealedMs: 0 })).toBe(0);
  });
});

describe('the last column of the log', () => {
  it.each([
    ['17:20:00', '17:30:00', { 'd-a1': 'cached', 'd-a2': 'waiting' }, { count: '1/2', note: 'đã về máy' }],
    ['17:00:00', '17:20:00', { 'd-a1': 'playing', 'd-a2': 'missed' }, { count: '1/2', note: 'đang phát' }],
    ['06:00:00', '06:08:00', { 'd-a1': 'played', 'd-a2': 'partial' }, { count: '1/2', note: '1 thiếu' }],
    ['06:00:00', '06:08:00', { 'd-a1': 'unconfirmed' }, { count: '0/1', note: '1 chưa xác nhận' }],
  ] as const)('counts what matters from %s to %s', (from, to, states, result) => {
    expect(rowResult(broadcast('x', from, to, states), now)).toEqual(result);
  });
});
