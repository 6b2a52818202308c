// Who this receiver is, on its disk: its own key, the code that it shows, and the credential it was given.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { clientCertificateSchema, compactJwsSchema, deviceIdSchema } from '@loalang/shared';
import {
  generateSigningKey,
  readSigningKey,
  writeSigningKey,
  type SigningKey,
} from '@loalang/shared/signing';
import { readIfPresent, writeAtomically } from '../store/atomic-file.ts';

const membershipSchema = z.object({
  deviceId: deviceIdSchema,
  credential: compactJwsSchema,
  brokerUrl: z.string().max(200),
  brokerName: z.string().min(1).max(200),
  certificate: clientCertificateSchema.optional(),
});
/** What joining gave. */
export type Membership = z.infer<typeof membershipSchema>;

/** The files of one receiver's identity. */
export class IdentityStore {
  readonly #folder: string;
  #shownCode: string | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The receiver's own key, made at the first start. A key file that can't be read stops the start: it is no first start. */
  async ownKey(): Promise<SigningKey> {
    const path = join(this.#folder, 'own-key.pem');
    const pem = await readIfPresent(path);
    if (pem !== null) return readSigningKey(pem);
    const key = generateSigningKey();
    await writeAtomically(path, writeSigningKey(key));
    return key;
  }

  /** Writes the code to where a screen, or a person with a cable, finds it. False where it was there already. */
  async showCode(code: string): Promise<boolean> {
    if (this.#shownCode === code) return false;
    await writeAtomically(this.#codePath, `${code}\n`);
    this.#shownCode = code;
    return true;
  }

  /** The credential of an earlier joining, or null. */
  async membership(): Promise<Membership | null> {
    const text = await readIfPresent(this.#membershipPath);
    if (text === null) return null;
    try {
      const parsed = membershipSchema.safeParse(JSON.parse(text));
      return parsed.success ? parsed.data : null;
    } catch (error) {
      // Atomic writes leave no half file; a damaged one is as good as none, since joining gives it again.
      if (error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /** Keeps what joining gave; the code has done its duty. */
  async keep(membership: Membership): Promise<void> {
    await writeAtomically(this.#membershipPath, JSON.stringify(membership));
    await rm(this.#codePath, { force: true });
  }

  get #codePath(): string {
    return join(this.#folder, 'join-code');
  }

  get #membershipPath(): string {
    return join(this.#folder, 'membership.json');
  }
}
