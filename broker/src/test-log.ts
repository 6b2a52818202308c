import { pino, type Logger } from 'pino';

/** A log that a test can read. */
export class LogLines {
  readonly lines: string[] = [];
  readonly logger: Logger = pino({ level: 'trace' }, { write: (line: string) => this.lines.push(line) });

  /** The first line whose message begins so. */
  find(message: string): unknown {
    const line = this.lines.find((each) => each.includes(`"msg":"${message}`));
    return line === undefined ? null : JSON.parse(line);
  }
}
