// Times and durations as people here read them. Vietnam is UTC+7 without daylight saving, and the log is kept in that
// time whatever the laptop's own zone is set to.
import type { MediaTime } from '@loalang/shared';
import { words } from '../words/index.ts';

const ZONE_MS = 7 * 3_600_000;
const DAY_MS = 86_400_000;
const two = (value: number): string => String(value).padStart(2, '0');

/** Microseconds since 1970 as media time. The brand is given here, since shared's own check would bring zod along. */
export function mediaTimeAt(us: number): MediaTime {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the only place that gives the brand
  return Math.round(us) as MediaTime;
}

/** Converts milliseconds since 1970 to media time. */
export function mediaTimeOf(unixMs: number): MediaTime {
  return mediaTimeAt(unixMs * 1000);
}

const local = (time: number): Date => new Date(time / 1000 + ZONE_MS);

/** Number of the local day since 1970. */
export function dayOf(time: number): number {
  return Math.floor((time / 1000 + ZONE_MS) / DAY_MS);
}

/** 17:08 */
export function clockTime(time: number): string {
  return local(time).toISOString().slice(11, 16);
}

/** 17:08:24 */
export function clockSeconds(time: number): string {
  return local(time).toISOString().slice(11, 19);
}

/** 17:08, or 17:08:24 where it is not a whole minute. */
export function exactTime(time: number): string {
  const exact = clockSeconds(time);
  return exact.endsWith(':00') ? exact.slice(0, 5) : exact;
}

/** 24/11/2026 */
export function dateText(time: number): string {
  const date = local(time);
  return `${two(date.getUTCDate())}/${two(date.getUTCMonth() + 1)}/${date.getUTCFullYear()}`;
}

/** 24/11 */
export function shortDate(time: number): string {
  return dateText(time).slice(0, 5);
}

/** Thứ Ba */
export function weekday(time: number): string {
  return words.time.weekdays[local(time).getUTCDay()] ?? '';
}

/** Hôm nay, Ngày mai, or Thứ Năm, 26/11. */
export function dayTitle(time: number, now: number): string {
  const date = `${weekday(time)}, ${shortDate(time)}`;
  const ahead = dayOf(time) - dayOf(now);
  if (ahead === 0) return `${words.time.today}, ${shortDate(time)}`;
  return ahead === 1 ? `${words.time.tomorrow}, ${shortDate(time)}` : date;
}

/** hôm nay 17:00, ngày mai 06:00, Thứ Năm 26/11 06:00. */
export function whenText(time: number, now: number): string {
  const ahead = dayOf(time) - dayOf(now);
  if (ahead === 0) return words.time.todayAt(clockTime(time));
  if (ahead === 1) return words.time.tomorrowAt(clockTime(time));
  return words.time.dayAndTime(`${weekday(time)} ${shortDate(time)}`, clockTime(time));
}

/** When something was last seen: relative for ten minutes, absolute afterwards, so that an old state never looks new. */
export function agoText(time: number, now: number): string {
  const seconds = Math.floor((now - time) / 1e6);
  if (seconds < 3) return words.time.justNow;
  if (seconds < 60) return words.time.ago(words.time.seconds(seconds));
  if (seconds < 600) return words.time.ago(words.time.minutes(Math.floor(seconds / 60)));
  return sinceText(time, now);
}

/** 05:41 hôm nay, or 05:41 ngày 23/11. */
export function sinceText(time: number, now: number): string {
  return dayOf(time) === dayOf(now)
    ? words.time.earlierToday(clockTime(time))
    : words.time.onDay(clockTime(time), shortDate(time));
}

/** 8 phút · 2 phút 58 giây · 1 giờ 5 phút. */
export function spanText(ms: number): string {
  if (ms > 0 && ms < 1000) return words.time.underSecond;
  const seconds = Math.max(1, Math.round(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const parts = [
    hours > 0 ? words.time.hours(hours) : '',
    minutes > 0 ? words.time.minutes(minutes) : '',
    hours === 0 && seconds % 60 > 0 ? words.time.seconds(seconds % 60) : '',
  ];
  return parts.filter(Boolean).join(' ');
}

/** 02:41 · 1:02:41; never below zero. */
export function timerText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const tail = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${tail}` : tail;
}

/** 8:00, as a length of audio. */
export function lengthText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}

/** What the date and the hour of a form hold for a media time. */
export function toInputs(time: number): { date: string; clock: string } {
  const iso = local(time).toISOString();
  return { date: iso.slice(0, 10), clock: iso.slice(11, 16) };
}

/** Reads the date and the hour of a form; null where either is missing. */
export function fromInputs(date: string, clock: string): MediaTime | null {
  const unixMs = Date.parse(`${date}T${readClock(clock)}:00+07:00`);
  return Number.isNaN(unixMs) ? null : mediaTimeOf(unixMs);
}

/** Reads an hour as people here write it, 17:30, 17h30, 17.30, 1730, 7h or 7, as 17:30; empty where it is none. */
export function readClock(text: string): string {
  const [, hour = '', minute = ''] = /^\s*(\d{1,2})(?:\s*[:hg.]?\s*(\d{2}))?\s*[hg]?\s*$/i.exec(text) ?? [];
  if (hour === '' || Number(hour) > 23 || Number(minute) > 59) return '';
  return `${two(Number(hour))}:${two(Number(minute))}`;
}

/** A local day (of `dayOf`, today) and those after it, to choose from: { date: 2026-11-24, title: Hôm nay, 24/11/2026 }. */
export function daysFrom(day: number, count: number): { date: string; title: string }[] {
  return Array.from({ length: count }, (_, index) => {
    const time = ((day + index) * DAY_MS - ZONE_MS) * 1000;
    const name = [words.time.today, words.time.tomorrow][index] ?? weekday(time);
    return { date: toInputs(time).date, title: `${name}, ${dateText(time)}` };
  });
}

/** 1,2: decimals with a comma. */
export function decimal(value: number, digits: number): string {
  return value.toLocaleString('vi-VN', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
