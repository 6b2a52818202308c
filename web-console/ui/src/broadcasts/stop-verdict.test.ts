import { describe, expect, it } from 'vitest';
import { at, device } from './sample.ts';
import { stillSounding, stopVerdict } from './stop-verdict.ts';

const stop = { stopped: ['x'], deviceIds: new Set(['d-a1', 'd-a2', 'd-a7']) };
const sounding = { ...device('a', 1, 'playing'), playing: { broadcastId: 'x', title: 'x' } };
const other = { ...device('a', 2, 'playing'), playing: { broadcastId: 'y', title: 'y' } };
const lost = { ...device('a', 7, 'offline'), playing: { broadcastId: 'x', title: 'x' } };

describe('after a stop', () => {
  it('waits for the loudspeakers that answer and still sound', () => {
    expect(stillSounding(stop, [sounding, other, lost])).toEqual([sounding]);
    expect(stopVerdict(stop, [sounding, other, lost], null)).toBe('Đang dừng 2 loa…');
  });

  it('says when they were silent, and who did not answer', () => {
    expect(stopVerdict(stop, [device('a', 1), other, lost], at('17:11:09'))).toBe(
      '2 loa đã im lúc 17:11:09. Loa 7 Thôn 7 chưa trả lời: mất kết nối.',
    );
  });

  it('says that nothing was playing', () => {
    expect(stopVerdict({ stopped: [], deviceIds: new Set() }, [], null)).toBe('Không có loa nào đang phát.');
  });
});
