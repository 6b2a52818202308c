// Runs an MQTT client that we did not write, and reads what it says line by line.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export class ForeignClient {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  /** `debian`: the package to name where the program is missing. */
  constructor(command: string, args: readonly string[], debian: string) {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#ended = new Promise((resolve, reject) => {
      child.once('error', () => reject(new Error(`${command} is missing: apt-get install ${debian}`)));
      child.once('close', (code) => resolve(code));
    });
    // Whoever waits for it hears of it; nobody else needs to.
    this.#ended.catch(() => {});
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        child.emit('line');
      });
    }
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Resolves with the first line that fits, also one of before. Rejects when the client ends without it. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const code = await Promise.race([once(this.#child, 'line').then(() => undefined), this.#ended]);
      if (code !== undefined && !this.lines.some((line) => pattern.test(line))) {
        throw new Error(`ended with ${code}, and never said ${pattern}:\n${this.lines.join('\n')}`);
      }
    }
  }

  /** Its exit code. */
  async ended(): Promise<number | null> {
    return this.#ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
