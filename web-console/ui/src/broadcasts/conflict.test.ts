import { describe, expect, it } from 'vitest';
import { clockTime, exactTime } from '../format/time.ts';
import { conflictsOf, conflictSentences, freeSlots, timetable, type Intended } from './conflict.ts';
import { at, broadcast } from './sample.ts';

const cold = broadcast('Chống rét', '17:20:00', '17:35:00', { 'd-a1': 'cached' });
const later = broadcast('Tiếng Tày', '17:45:00', '18:00:00', { 'd-a1': 'waiting' });
const elsewhere = broadcast('Xã bên', '17:00:00', '19:00:00', { 'd-b1': 'cached' });
const all = [cold, later, elsewhere];

const intended = (change: Partial<Intended> = {}): Intended => ({
  title: 'Rét đậm',
  startAt: at('17:25:00'),
  durationMs: 300_000,
  priority: 'normal',
  deviceIds: new Set(['d-a1']),
  ...change,
});

describe('conflicts', () => {
  it('are what shares loudspeakers and time, nothing else', () => {
    expect(conflictsOf(intended(), all).map(({ other }) => other.title)).toEqual(['Chống rét']);
    expect(conflictsOf(intended({ startAt: at('17:35:00') }), all)).toEqual([]);
  });

  it('say what is cut and for how long', () => {
    expect(conflictSentences(conflictsOf(intended(), all))).toEqual(['Sẽ ngắt “Chống rét” 5 phút.']);
  });

  it('say when the new one is itself cut, by a higher or a later one', () => {
    const urgent = broadcast(
      'Ưu tiên',
      '17:27:00',
      '17:28:00',
      { 'd-a1': 'cached' },
      { priority: 'priority' },
    );
    expect(conflictSentences(conflictsOf(intended(), [urgent]))).toEqual([
      '“Ưu tiên” sẽ ngắt bản tin này 1 phút.',
    ]);
    const before = { ...urgent, startAt: at('17:20:00') };
    expect(conflictSentences(conflictsOf(intended(), [before]))).toEqual([
      '“Ưu tiên” sẽ ngắt bản tin này 3 phút.',
    ]);
  });

  it('say that nobody knows which of two equals that start together will sound', () => {
    const together = conflictsOf(intended({ startAt: at('17:20:00') }), all);
    expect(together.map(({ cut }) => cut)).toEqual(['unknown']);
    expect(conflictSentences(together)).toEqual([
      '“Chống rét” bắt đầu cùng lúc và cùng loại, loa chỉ phát được một bản tin. Chọn giờ khác hoặc loại khác.',
    ]);
    const higher = conflictsOf(intended({ startAt: at('17:20:00'), priority: 'priority' }), all);
    expect(higher.map(({ cut }) => cut)).toEqual(['other']);
  });

  it('let speech go before a file of the same priority, whenever it began', () => {
    const speech = broadcast(
      'Nói',
      '17:20:00',
      '17:35:00',
      { 'd-a1': 'playing' },
      { kind: 'live', priority: 'priority' },
    );
    expect(conflictsOf(intended({ priority: 'priority' }), [speech]).map(({ cut }) => cut)).toEqual([
      'intended',
    ]);
  });

  it('forget what was stopped', () => {
    expect(conflictsOf(intended(), [{ ...cold, stoppedAt: at('17:22:00') }])).toEqual([]);
  });

  it('are shown as three lines of a timetable', () => {
    const [conflict] = conflictsOf(intended(), all);
    const lines = conflict === undefined ? [] : timetable(intended(), conflict);
    expect(lines.map(({ at: time, text }) => `${exactTime(time)} ${text}`)).toEqual([
      '17:20 “Chống rét” phát 5 phút',
      '17:25 Ngắt. Phát “Rét đậm”',
      '17:30 “Chống rét” phát tiếp đoạn còn lại, xong lúc 17:35',
    ]);
  });

  it('come with the nearest free times', () => {
    expect(freeSlots(intended(), all).map(clockTime)).toEqual(['17:35', '18:00']);
    expect(freeSlots(intended({ durationMs: 900_000 }), all).map(clockTime)).toEqual(['18:00']);
  });
});
