import { addMs, type MediaTime } from '../media-time.ts';
import type { Token } from '../messages/link.ts';
import { TOKEN_LIFE_MS } from './identity.ts';

/**
 * The longest that a token can be taken after it was taken once: issued 30 s ahead of our clock (the skew that
 * `identify` grants), living for a minute, and granted the skew again at its end.
 */
const REMEMBER_MS = 2 * TOKEN_LIFE_MS;
const MAX_TOKENS = 262_144;

/**
 * Remembers each taken token for as long as it could be taken again. Full means refused: to forget one early would let
 * it in twice. Only holders of a valid credential can put anything here, and each only its own share.
 */
export class UsedTokens {
  /** In the order of their taking, which is also the order in which they may be forgotten. */
  readonly #forgetAt = new Map<string, { readonly id: string; readonly at: MediaTime }>();
  readonly #countById = new Map<string, number>();
  readonly #maxPerId: number;

  /** `maxPerId`: how many of one identity are remembered, and so taken, within two minutes. */
  constructor({ maxPerId }: { maxPerId: number }) {
    this.#maxPerId = maxPerId;
  }

  /** Takes a token for the first and only time, or says why not. */
  use(token: Pick<Token, 'id' | 'nonce'>, now: MediaTime): 'taken' | 'replayed' | 'too-many' {
    this.#forget(now);
    const key = `${token.nonce} ${token.id}`;
    if (this.#forgetAt.has(key)) return 'replayed';
    const count = this.#countById.get(token.id) ?? 0;
    if (count >= this.#maxPerId || this.#forgetAt.size >= MAX_TOKENS) return 'too-many';
    this.#forgetAt.set(key, { id: token.id, at: addMs(now, REMEMBER_MS) });
    this.#countById.set(token.id, count + 1);
    return 'taken';
  }

  #forget(now: MediaTime): void {
    for (const [key, entry] of this.#forgetAt) {
      if (entry.at >= now) return;
      this.#forgetAt.delete(key);
      const left = (this.#countById.get(entry.id) ?? 1) - 1;
      if (left === 0) this.#countById.delete(entry.id);
      else this.#countById.set(entry.id, left);
    }
  }
}
