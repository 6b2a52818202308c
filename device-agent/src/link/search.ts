/** Receivers that lost their broker together ask spread over this, by their waits: 2,000 are some 200 a minute. */
const IN_VAIN_US = 600 * 1e6;

/** How long the broker has been looked for. One that does not answer for ten minutes may have another address by now. */
export class Search {
  #sinceUs: number | null = null;

  /** The broker is looked for. Has it been for so long that somebody should be asked where it is? Once in ten minutes. */
  isInVain(nowUs: number): boolean {
    this.#sinceUs ??= nowUs;
    if (nowUs - this.#sinceUs < IN_VAIN_US) return false;
    this.#sinceUs = nowUs;
    return true;
  }

  found(): void {
    this.#sinceUs = null;
  }
}
