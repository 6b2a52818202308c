import { describe, expect, it } from 'vitest';
import { at, broadcast, device } from '../broadcasts/sample.ts';
import { deviceName } from './device-name.ts';
import { careFirst, codeTodos, otherFaults, timeTodos, todosOf } from './todo.ts';

const now = at('17:08:24');

describe('what there is to do', () => {
  it('tells each loudspeaker that needs somebody, faults first, with what it missed', () => {
    const log = [broadcast('x', '06:00:00', '06:08:00', { 'd-a7': 'missed' })];
    const fault = { ...device('a', 4, 'fault'), faults: ['amplifier-no-current' as const] };
    const todos = todosOf([device('a', 1), device('a', 7, 'offline'), fault], log, now);
    expect(todos.map(({ title, note, href }) => ({ title, note, href }))).toEqual([
      { title: 'Loa 4 Thôn 4: âm-li không có dòng điện', note: 'Từ 05:12.', href: '/loa#d-a4' },
      { title: 'Loa 7 Thôn 7: mất kết nối', note: 'Từ 05:12. Đã lỡ 1 bản tin.', href: '/loa#d-a7' },
    ]);
  });

  it('tells of a dead battery behind an unknown hour', () => {
    const faults = ['rtc-failed' as const, 'clock-unknown' as const];
    const [todo] = todosOf([{ ...device('a', 1, 'no-clock'), faults }], [], now);
    expect(todo?.note).toContain('Từ 05:12. Đồng hồ chạy pin sai giờ, cần thay pin. Loa chưa biết giờ đúng');
  });

  it.each([
    ['fault', ['sink-failed', 'rtc-failed'], ['rtc-failed']],
    ['no-clock', ['rtc-failed', 'clock-unknown'], ['rtc-failed']],
    ['no-clock', ['clock-unknown'], []],
    ['playing', ['mains-lost', 'clock-unknown'], ['mains-lost', 'clock-unknown']],
  ] as const)('beside the word of %s with %j it tells %j', (state, faults, others) => {
    expect(otherFaults({ state, faults: [...faults] })).toEqual(others);
  });

  it('makes one task of many alike in one unit', () => {
    const dark = [1, 2, 3].map((number) => device('a', number, 'offline'));
    expect(todosOf(dark, [], now).map(({ title }) => title)).toEqual(['Xã a: 3 loa mất kết nối']);
  });

  it('has one task for the clock of the platform, its worst, with no page to go to', () => {
    expect(timeTodos([])).toEqual([]);
    expect(timeTodos(['off', 'unsynchronised'])).toMatchObject([
      { key: 'time', title: 'Đồng hồ máy chủ lệch giờ phát hơn 1 giây', href: null },
    ]);
  });

  it('has a task for codes that are locked, until when', () => {
    expect(codeTodos(null)).toEqual([]);
    const [todo] = codeTodos(at('18:00:00'));
    expect(todo?.title).toBe('Tạm khóa nhập mã loa: quá nhiều mã sai');
    expect(todo?.note).toMatch(/^Đến 18:00\./);
  });

  it('puts those that need somebody on top of the list', () => {
    const sorted = careFirst([device('a', 1), device('a', 2, 'no-clock'), device('a', 3, 'offline')]);
    expect(sorted.map(({ number }) => number)).toEqual([3, 2, 1]);
  });

  it('does not say "Loa 1" twice where the name says it already', () => {
    expect(deviceName({ number: 1, name: 'Loa 1 An Lạc' })).toBe('Loa 1 An Lạc');
    expect(deviceName({ number: 1, name: 'UBND xã' })).toBe('Loa 1 UBND xã');
    expect(deviceName(undefined)).toBe('Loa đã ngừng dùng');
  });
});
