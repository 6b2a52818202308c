// The connections that were open or came last, so that what has broken a broker can be said again.
import { z } from 'zod';

const saidSchema = z.object({
  role: z.enum(['stranger', 'device', 'platform', 'time']),
  seed: z.string(),
  id: z.string(),
  bytes: z.base64().transform((text): Buffer => Buffer.from(text, 'base64')),
});
/** What one connection said. */
export type Said = z.output<typeof saidSchema>;

const KEPT_AFTER_END = 64;

export class Recent {
  readonly #open = new Set<Said>();
  readonly #ended: Said[] = [];

  begin(said: Said): void {
    this.#open.add(said);
  }

  /** What was never heard is forgotten, so that what has broken a broker stays among the last. */
  end(said: Said, wasHeard = true): void {
    this.#open.delete(said);
    if (!wasHeard) return;
    this.#ended.push(said);
    if (this.#ended.length > KEPT_AFTER_END) this.#ended.shift();
  }

  /** A line for each, those that ended first at the top. */
  toText(): string {
    return [...this.#ended, ...this.#open]
      .map((said) => JSON.stringify({ ...said, bytes: said.bytes.toString('base64') }))
      .join('\n');
  }
}

/** Reads what `toText` wrote. */
export function readSaid(text: string): Said[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => saidSchema.parse(JSON.parse(line)));
}
