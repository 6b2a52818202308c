import { describe, expect, it } from 'vitest';
import { LoaLangError } from '@loalang/shared';
import { catalogued, errorAnswer } from './error-answer.ts';

const withFields = (fields: object) => Object.assign(new Error('x'), fields);

describe('an error', () => {
  it.each([
    ['of the catalogue stays what it is', new LoaLangError('NO_RECEIVER'), 'NO_RECEIVER'],
    ['of a full disk says so', withFields({ code: 'ENOSPC' }), 'DISK_FULL'],
    ['of the request is the sender’s', withFields({ statusCode: 413 }), 'INPUT_INVALID'],
    ['that nobody foresaw is ours', new TypeError('x is not a function'), 'INTERNAL'],
    ['that is no error is ours', 'thrown string', 'INTERNAL'],
  ])('%s', (_what, error, code) => {
    expect(catalogued(error, 'r-1').code).toBe(code);
  });

  it('that nobody foresaw shows the request’s id and nothing of itself', () => {
    const { code, details } = catalogued(new Error('password=secret'), 'r-42');
    const answer = JSON.stringify(errorAnswer(code, details));
    expect(answer).toContain('r-42');
    expect(answer).not.toContain('secret');
  });

  it('names the field', () => {
    expect(errorAnswer('INPUT_INVALID', { field: 'unitIds.0' })).toEqual({
      error: {
        code: 'INPUT_INVALID',
        vi: 'Thông tin gửi lên chưa đúng (unitIds.0). Anh/chị xem lại rồi gửi lần nữa.',
        en: 'The request is not valid (unitIds.0). Check it and send it again.',
        field: 'unitIds.0',
      },
    });
  });
});
