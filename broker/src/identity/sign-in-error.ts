import type { AuthErrorCode } from 'aedes';
import type { SignInRefusal } from './sign-in.ts';

/**
 * CONNACK return codes (MQTT 3.1.1 §3.2.2.3): 3 come again later, 5 not you; 4, which every other reason gets: your
 * credential or token is no good.
 */
const returnCodes: Partial<Record<SignInRefusal, AuthErrorCode>> = {
  'list-unknown': 3,
  'too-many': 3,
  revoked: 5,
  'wrong-client-id': 5,
  'will-not-allowed': 5,
};

export class SignInError extends Error {
  override readonly name = 'SignInError';
  readonly returnCode: AuthErrorCode;

  constructor(reason: SignInRefusal) {
    super(`sign-in refused: ${reason}`);
    this.returnCode = returnCodes[reason] ?? 4;
  }
}
