/** A receiver for tests: real key, real credential, real signatures, and nothing that plays. */
import { createHash, randomBytes } from 'node:crypto';
import {
  commandSchema,
  deviceTopic,
  nowSchema,
  planSchema,
  proofAckSchema,
  REVOKED_TOPIC,
  revokedSchema,
  streamTopic,
  type Command,
  type CommandResult,
  type DeviceChannel,
  type MediaTime,
  type Now,
  type Plan,
  type Proof,
  type ProofAck,
  type Revoked,
  type Status,
} from '@loalang/shared';
import {
  generateSigningKey,
  makeToken,
  signJws,
  TrustStore,
  type KeyPurpose,
  type SigningKey,
} from '@loalang/shared/signing';
import { connectAsync, type MqttClient } from 'mqtt';
import type { z } from 'zod';
import type { Scheduler } from '../face.ts';
import { healthyStatus } from './healthy-status.ts';
import { Mailbox } from './mailbox.ts';

export class TestReceiver {
  readonly key: SigningKey;
  readonly deviceId: string;
  readonly credential: string;
  readonly trust: TrustStore;
  readonly plans = new Mailbox<Plan>();
  readonly nows = new Mailbox<Now>();
  readonly acks = new Mailbox<ProofAck>();
  readonly commands = new Mailbox<Command>();
  readonly clockAnswers = new Mailbox<string>();
  readonly packets = new Mailbox<Buffer>();
  readonly repairs = new Mailbox<Buffer>();
  readonly revoked = new Mailbox<Revoked>();
  readonly refused = new Mailbox<string>();
  readonly session = randomBytes(12).toString('base64url');
  #client: MqttClient | null = null;
  #seq = 0;
  #proofSeq = 0;
  #previous = '';

  private constructor(who: { key: SigningKey; deviceId: string; credential: string; rootPublic: string }) {
    this.key = who.key;
    this.deviceId = who.deviceId;
    this.credential = who.credential;
    this.trust = new TrustStore(who.rootPublic);
  }

  /** Joins with a code, as a new board does. */
  static async join({ enrolment, rootPublic }: Scheduler, code: string): Promise<TestReceiver> {
    const key = generateSigningKey();
    const answer = await enrolment.join({ code, key: key.public, model: 'test board' });
    if (answer.state !== 'joined') throw new Error(`code ${code} was not taken`);
    const { deviceId, credential } = answer;
    return new TestReceiver({ key, deviceId, credential, rootPublic });
  }

  async connect(url: string): Promise<void> {
    const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
    this.#client = client;
    client.on('error', () => undefined);
    client.on('message', (topic, payload) => void this.#take(topic, payload));
    await client.subscribeAsync(REVOKED_TOPIC, { qos: 1 });
    const channels = ['plan', 'now', 'cmd', 'proof/ack', 'clock/res', 'repair/res'] as const;
    await client.subscribeAsync(
      channels.map((channel) => deviceTopic(this.deviceId, channel)),
      { qos: 1 },
    );
  }

  async close(): Promise<void> {
    await this.#client?.endAsync(true);
  }

  async hear(streamId: string): Promise<void> {
    await this.#client?.subscribeAsync(streamTopic(streamId), { qos: 0 });
  }

  async publish(channel: DeviceChannel, payload: string): Promise<void> {
    await this.#client?.publishAsync(deviceTopic(this.deviceId, channel), payload, { qos: 1 });
  }

  async token(audience: string, now: MediaTime): Promise<string> {
    return await makeToken(this.key, { id: this.deviceId, audience, now });
  }

  /** A status of a healthy receiver that holds the newest of what it got, with the differences given. */
  async sendStatus(now: MediaTime, difference: Partial<Status> = {}): Promise<string> {
    this.#seq += 1;
    const held = {
      plan: this.plans.all.at(-1)?.revision ?? null,
      now: this.nows.all.at(-1)?.revision ?? null,
    };
    const who = { device: this.deviceId, session: this.session, seq: this.#seq, at: now };
    const status = healthyStatus(who, { ...held, ...difference });
    const jws = await signJws(status, this.key);
    await this.publish('status', jws);
    return jws;
  }

  /** The next proof of its chain. */
  async makeProof(broadcastId: string, difference: Partial<Proof> = {}): Promise<string> {
    this.#proofSeq += 1;
    const proof: Proof = {
      type: 'proof',
      device: this.deviceId,
      chain: '00112233aabbccdd',
      seq: this.#proofSeq,
      previous: this.#previous,
      broadcastId,
      kind: 'item',
      startedAt: null,
      endedAt: null,
      frames: { played: 500, concealed: 0, missed: 0 },
      reason: null,
      levelDbfs: -20,
      amplifierA: 1.5,
      ...difference,
    };
    const jws = await signJws(proof, this.key);
    this.#previous = createHash('sha256').update(jws).digest('base64url');
    return jws;
  }

  async sendResult(id: string, outcome: CommandResult['outcome']): Promise<void> {
    const result: CommandResult = { type: 'command-result', device: this.deviceId, id, outcome };
    await this.publish('cmd/result', await signJws(result, this.key));
  }

  async #take(topic: string, payload: Buffer): Promise<void> {
    const text = payload.toString('utf8');
    switch (topic) {
      case deviceTopic(this.deviceId, 'plan'):
        return await this.#believe(text, { purpose: 'plan', schema: planSchema, into: this.plans });
      case deviceTopic(this.deviceId, 'now'):
        return await this.#believe(text, { purpose: 'air', schema: nowSchema, into: this.nows });
      case deviceTopic(this.deviceId, 'cmd'):
        return await this.#believe(text, { purpose: 'air', schema: commandSchema, into: this.commands });
      case deviceTopic(this.deviceId, 'proof/ack'):
        return await this.#believe(text, { purpose: 'plan', schema: proofAckSchema, into: this.acks });
      case deviceTopic(this.deviceId, 'clock/res'):
        return this.clockAnswers.put(text);
      case deviceTopic(this.deviceId, 'repair/res'):
        return this.repairs.put(payload);
      case REVOKED_TOPIC:
        return await this.#believeRevoked(text);
      default:
        return this.packets.put(payload);
    }
  }

  async #believeRevoked(jws: string): Promise<void> {
    const verified = await this.trust.verify(jws, {
      purpose: 'credential',
      schema: revokedSchema,
      now: null,
    });
    if (verified.ok) this.revoked.put(verified.payload);
    else this.refused.put(verified.reason);
  }

  async #believe<T extends { device: string }>(
    jws: string,
    expected: { purpose: KeyPurpose; schema: z.ZodType<T>; into: Mailbox<T> },
  ): Promise<void> {
    const { purpose, schema, into } = expected;
    const verified = await this.trust.verify(jws, { purpose, schema, now: null });
    if (verified.ok && verified.payload.device === this.deviceId) into.put(verified.payload);
    else this.refused.put(verified.ok ? 'wrong-device' : verified.reason);
  }
}
