import {
  commandSchema,
  isQuiet,
  type Command,
  type CommandResult,
  type JoinAnswer,
  type JoinRequest,
  type MediaTime,
  type Policy,
} from '@loalang/shared';
import { signJws, type SigningKey, type TrustStore } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import type { MonotonicClock } from '../clock/index.ts';
import { HttpRefused, pause, type PlatformHttp } from '../link/index.ts';
import { sayCode, type Voice, type Word } from '../voice/index.ts';
import type { IdentityStore, Membership } from './identity-store.ts';
import { makeJoinCode } from './join-code.ts';
import { checkAnswer } from './joining.ts';

/**
 * A code is read out for so long after the first time, which is when somebody stands below the pole: the receiver was just
 * switched on. Afterwards it waits in silence, with a code that is still shown; another start lets it speak again.
 */
const SPEAK_FOR_MS = 15 * 60_000;
/** A board that was left on its pole, and finds its power back at three in the morning, is no reason to wake a village. */
const SPEAK_AT_NIGHT_FOR_MS = 2 * 60_000;
const NIGHT: Policy = { utcOffsetMinutes: 420, quietHours: [{ from: '21:00', to: '05:00' }] };
const BETWEEN_READINGS_MS = 5_000;
/** A modem needs most of a minute after the power; before that there is nothing to complain of. */
const UNREACHED_AFTER_MS = 60_000;
/** How often it asks: an officer who has just confirmed wants to see it come. */
const ASK_EVERY_MS = 4_000;
const ASK_SELDOM_MS = 60_000;

export interface JoinDeskParts {
  readonly identity: IdentityStore;
  readonly key: SigningKey;
  readonly trust: TrustStore;
  readonly platform: PlatformHttp;
  readonly voice: Voice;
  readonly clock: MonotonicClock;
  readonly random: () => number;
  readonly log: Logger;
  readonly board: { readonly model: string; readonly serial: string | null };
  /** A code that the platform knows already: it is not read out. One that is no good any more is given up. */
  readonly givenCode: string | undefined;
  readonly mediaNow: () => MediaTime | null;
  /** A member says nothing by itself. */
  readonly isMember: () => boolean;
  /** This board is a member now, or still. */
  readonly onMember: (membership: Membership) => void;
  /** It is no member any more, and the platform has its receipt: everything is to be forgotten. */
  readonly onRetired: () => Promise<void>;
}

/** Asks the platform who this board is: one that nobody knows yet, a member, or a former one. */
export class JoinDesk {
  readonly #parts: JoinDeskParts;
  #code: string;
  #isGiven: boolean;
  readonly #startedUs: number;
  #firstShownUs: number | null = null;
  #speakAgainUs = 0;

  constructor(parts: JoinDeskParts) {
    this.#parts = parts;
    this.#startedUs = parts.clock.nowUs();
    this.#code = parts.givenCode ?? makeJoinCode();
    this.#isGiven = parts.givenCode !== undefined;
  }

  /** Asks until the board is a member; ends early where the signal says so. */
  async waitForAdmission(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await this.ask(signal))) {
      await pause(this.#parts.clock, this.#nextAskMs(), signal);
    }
  }

  /** Asks once. True where there is nothing more to ask: it is a member, or it is to be forgotten. */
  async ask(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#take(await this.#parts.platform.join(this.#request(), signal), signal);
    } catch (error) {
      if (!signal.aborted) this.#parts.log.warn({ err: error }, 'could not join yet');
      // One that is busy, as when many boards are switched on behind one address, was reached all the same.
      if (!(error instanceof HttpRefused)) this.sayUnreached();
      return false;
    }
  }

  /** The platform could not be reached. Whoever stands below hears it. */
  sayUnreached(): void {
    const forUs = this.#parts.clock.nowUs() - this.#startedUs;
    if (forUs < UNREACHED_AFTER_MS * 1_000 || !this.#isHeard(forUs)) return;
    this.#speak([{ clip: 'offline', atMs: 0 }]);
  }

  async #take(answer: JoinAnswer, signal: AbortSignal): Promise<boolean> {
    switch (answer.state) {
      case 'waiting':
        await this.#show();
        return false;
      case 'new-code':
        this.#renewCode();
        return false;
      case 'retired':
        return await this.#leave(answer.wipe, signal);
      case 'joined':
        await this.#enter(answer, signal);
        return true;
    }
  }

  /** The platform waits for somebody who types the code: now it makes sense to tell it. */
  async #show(): Promise<void> {
    const { identity, clock, log } = this.#parts;
    if (await identity.showCode(this.#code)) {
      log.info({ code: this.#code }, 'waiting for an officer to type this code');
    }
    this.#firstShownUs ??= clock.nowUs();
    const isReadOut = !this.#isGiven && this.#isHeard(clock.nowUs() - this.#firstShownUs);
    if (isReadOut) this.#speak(sayCode(this.#code) ?? []);
  }

  #speak(words: readonly Word[]): void {
    const { clock, voice, isMember } = this.#parts;
    const nowUs = clock.nowUs();
    if (isMember() || nowUs < this.#speakAgainUs) return;
    this.#speakAgainUs = nowUs + (voice.say(words) + BETWEEN_READINGS_MS) * 1_000;
  }

  /** Is it so short a time ago that somebody may still stand below? */
  #isHeard(forUs: number): boolean {
    const now = this.#parts.mediaNow();
    const isNight = now !== null && isQuiet(NIGHT, now);
    return forUs < (isNight ? SPEAK_AT_NIGHT_FOR_MS : SPEAK_FOR_MS) * 1_000;
  }

  #renewCode(): void {
    this.#code = makeJoinCode();
    this.#isGiven = false;
    this.#speakAgainUs = 0;
  }

  async #enter(answer: Extract<JoinAnswer, { state: 'joined' }>, signal: AbortSignal): Promise<void> {
    const { identity, key, trust, mediaNow, voice, clock, log, isMember, onMember } = this.#parts;
    const membership = await checkAnswer(answer, { key, trust, now: mediaNow() });
    // Whoever typed the code hears that it was taken. Said before it is a member: then nothing unsigned sounds any more.
    const isNew = !isMember() && !this.#isGiven && this.#firstShownUs !== null;
    if (isNew) await pause(clock, voice.say([{ clip: 'admitted', atMs: 0 }]), signal);
    await identity.keep(membership);
    log.info({ deviceId: membership.deviceId }, 'the platform knows this receiver');
    onMember(membership);
  }

  /** Believed only where the platform has signed it, for this very key and this moment. */
  async #leave(wipe: string, signal: AbortSignal): Promise<boolean> {
    const { key, trust, platform, mediaNow, log, onRetired } = this.#parts;
    const now = mediaNow();
    const verified = await trust.verify(wipe, { purpose: 'air', schema: commandSchema, now });
    const command = verified.ok ? verified.payload : null;
    const isMeant =
      now !== null &&
      command?.act.kind === 'wipe' &&
      command.act.key === key.public &&
      command.expiresAt > now;
    if (command === null || !isMeant) {
      log.warn('told to forget everything by somebody who may not');
      return false;
    }
    await platform.join({ ...this.#request(), receipt: await signReceipt(command, key) }, signal);
    await onRetired();
    return true;
  }

  #request(): JoinRequest {
    const { key, board } = this.#parts;
    const serial = board.serial === null ? {} : { serial: board.serial.slice(0, 80) };
    return { code: this.#code, key: key.public, model: board.model.slice(0, 80), ...serial };
  }

  // Half of it is chance, so that boards that were switched on together don't ask together.
  #nextAskMs(): number {
    const { clock, random } = this.#parts;
    const isWatched =
      this.#firstShownUs === null || clock.nowUs() - this.#firstShownUs < SPEAK_FOR_MS * 1_000;
    const everyMs = isWatched ? ASK_EVERY_MS : ASK_SELDOM_MS;
    return everyMs * (0.5 + random() / 2);
  }
}

/** The receiver's word that it has done a command. */
async function signReceipt({ device, id }: Command, key: SigningKey): Promise<string> {
  const result: CommandResult = { type: 'command-result', device, id, outcome: 'done' };
  return await signJws(result, key);
}
