/**
 * The time of a link, which stands still while the link is out: everything that is under way in an outage comes as much
 * later as the outage was long, and what is handed in meanwhile queues behind it. Pure; whoever asks says the time.
 */
export class LinkTime {
  #lostUs = 0;
  #stalledSinceUs: number | null = null;

  get isStalled(): boolean {
    return this.#stalledSinceUs !== null;
  }

  stall(nowUs: number): void {
    this.#stalledSinceUs ??= nowUs;
  }

  resume(nowUs: number): void {
    if (this.#stalledSinceUs === null) return;
    this.#lostUs += nowUs - this.#stalledSinceUs;
    this.#stalledSinceUs = null;
  }

  toLinkUs(nowUs: number): number {
    return (this.#stalledSinceUs ?? nowUs) - this.#lostUs;
  }
}
