/** What a Range header asks for (RFC 9110 §14.2), of one range; several are answered with the whole, as the RFC allows. */
export type ByteRange =
  { kind: 'whole' } | { kind: 'part'; first: number; last: number } | { kind: 'unsatisfiable' };

/** Reads a Range header against a body of so many bytes. What is no byte range is ignored, as the RFC demands. */
export function readByteRange(header: string | undefined, sizeBytes: number): ByteRange {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (from === '' && to === '') return { kind: 'whole' };
  if (from === '') return lastBytes(Number(to), sizeBytes);
  const first = Number(from);
  const last = to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (to !== '' && Number(to) < first) return { kind: 'whole' };
  return first < sizeBytes ? { kind: 'part', first, last } : { kind: 'unsatisfiable' };
}

function lastBytes(count: number, sizeBytes: number): ByteRange {
  return count === 0 || sizeBytes === 0
    ? { kind: 'unsatisfiable' }
    : { kind: 'part', first: Math.max(0, sizeBytes - count), last: sizeBytes - 1 };
}
