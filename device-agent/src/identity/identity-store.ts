// Who this receiver is, on its disk: its own key, the code by which it was let in, and the credential it was given.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import {
  clientCertificateSchema,
  compactJwsSchema,
  deviceIdSchema,
  joinRequestSchema,
} from '@loalang/shared';
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

/** Without letters and digits that are read for one another. */
const CODE_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const CODE_LENGTH = 8;

/** The files of one receiver's identity. */
export class IdentityStore {
  readonly #folder: string;

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

  /** The code to join with: the one given, else the one kept, else a fresh one that a person must confirm. */
  async joinCode(given: string | undefined): Promise<string> {
    const path = join(this.#folder, 'join-code');
    if (given !== undefined) return given;
    const kept = joinRequestSchema.shape.code.safeParse((await readIfPresent(path))?.trim());
    if (kept.success) return kept.data;
    const code = Array.from({ length: CODE_LENGTH }, () => CODE_LETTERS[randomInt(CODE_LETTERS.length)]).join(
      '',
    );
    await writeAtomically(path, code);
    return code;
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

  async keep(membership: Membership): Promise<void> {
    await writeAtomically(this.#membershipPath, JSON.stringify(membership));
  }

  get #membershipPath(): string {
    return join(this.#folder, 'membership.json');
  }
}
