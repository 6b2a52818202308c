import { describe, expect, it } from 'vitest';
import {
  agoText,
  clockSeconds,
  clockTime,
  dateText,
  dayOf,
  daysFrom,
  dayTitle,
  decimal,
  exactTime,
  fromInputs,
  lengthText,
  mediaTimeOf,
  readClock,
  spanText,
  timerText,
  toInputs,
  whenText,
} from './time.ts';

const at = (iso: string): number => mediaTimeOf(Date.parse(`${iso}+07:00`));
const now = at('2026-11-24T17:08:24');

describe('times in Vietnamese', () => {
  it('are told in the time of Vietnam, whatever the zone of the machine', () => {
    expect([clockTime(now), clockSeconds(now), dateText(now)]).toEqual(['17:08', '17:08:24', '24/11/2026']);
    expect(dateText(at('2026-11-24T23:59:59'))).toBe('24/11/2026');
    expect(dateText(at('2026-11-25T00:00:00'))).toBe('25/11/2026');
  });

  it('name today and tomorrow, and other days by their weekday', () => {
    expect(whenText(at('2026-11-24T17:20:00'), now)).toBe('hôm nay 17:20');
    expect(whenText(at('2026-11-25T06:00:00'), now)).toBe('ngày mai 06:00');
    expect(whenText(at('2026-11-26T06:00:00'), now)).toBe('Thứ Năm 26/11 06:00');
    expect(dayTitle(at('2026-11-29T06:00:00'), now)).toBe('Chủ Nhật, 29/11');
  });

  it('are relative for ten minutes and absolute afterwards', () => {
    const ago = (seconds: number): string => agoText(now - seconds * 1e6, now);
    expect([ago(1), ago(25), ago(61), ago(599)]).toEqual([
      'vừa xong',
      '25 giây trước',
      '1 phút trước',
      '9 phút trước',
    ]);
    expect(ago(600)).toBe('16:58 hôm nay');
    expect(agoText(at('2026-11-23T05:41:00'), now)).toBe('05:41 ngày 23/11');
  });

  it.each([
    [400, 'chưa đến 1 giây'],
    [1000, '1 giây'],
    [45_000, '45 giây'],
    [178_000, '2 phút 58 giây'],
    [480_000, '8 phút'],
    [3_900_000, '1 giờ 5 phút'],
  ])('say %i ms as %s', (ms, text) => expect(spanText(ms)).toBe(text));

  it('count timers and lengths of audio with two figures', () => {
    expect([timerText(161_900), timerText(3_762_000), timerText(-5)]).toEqual(['02:41', '1:02:42', '00:00']);
    expect(lengthText(480_000)).toBe('8:00');
    expect(decimal(1.2, 1)).toBe('1,2');
  });

  it('survive the way through a form', () => {
    expect(toInputs(at('2026-11-24T17:25:00'))).toEqual({ date: '2026-11-24', clock: '17:25' });
    expect(fromInputs('2026-11-24', '17:25')).toBe(at('2026-11-24T17:25:00'));
    expect(fromInputs('', '17:25')).toBeNull();
    expect(fromInputs('2026-11-24', '')).toBeNull();
  });

  it.each([
    ['17:30', '17:30'],
    ['17h30', '17:30'],
    ['17.30', '17:30'],
    ['1730', '17:30'],
    ['705', '07:05'],
    [' 7 ', '07:00'],
    ['7h', '07:00'],
    ['24:00', ''],
    ['17:60', ''],
    ['5 PM', ''],
    ['', ''],
  ])('read the hour %o as %o', (text, clock) => expect(readClock(text)).toBe(clock));

  it('offer days by name and date', () => {
    expect(daysFrom(dayOf(now), 3)).toEqual([
      { date: '2026-11-24', title: 'Hôm nay, 24/11/2026' },
      { date: '2026-11-25', title: 'Ngày mai, 25/11/2026' },
      { date: '2026-11-26', title: 'Thứ Năm, 26/11/2026' },
    ]);
  });

  it('tell seconds only where they matter', () => {
    expect([exactTime(now), exactTime(at('2026-11-24T17:08:00'))]).toEqual(['17:08:24', '17:08']);
  });
});
