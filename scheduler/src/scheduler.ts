/** The root of the broadcast centre: builds every part, starts them in order and stops them in reverse. */
import { join } from 'node:path';
import { LoaLangError, type TimeHealth } from '@loalang/shared';
import type { ClientAuthority } from '@loalang/shared/signing';
import { schedule } from 'node-cron';
import pino, { type Logger } from 'pino';
import { Air, LatenessIntake, OnAir, PacketHistory, Repair } from './air/index.ts';
import { Broadcasts } from './broadcasts/index.ts';
import { Changes } from './changes/index.ts';
import { openDatabase, type Database } from './database/index.ts';
import { Enrolment, Retiring } from './enrolment/index.ts';
import type { Scheduler } from './face.ts';
import { Fleet, Identities, Listening, RevokedList, StatusIntake } from './fleet/index.ts';
import { loadClientAuthority, loadKeys, type PlatformKeys } from './keys/index.ts';
import { Library } from './library/index.ts';
import { Link, Outbox, Reconciler } from './link/index.ts';
import { Messages, type MessagesParts } from './messages.ts';
import { People } from './people/index.ts';
import { Planning, readEpoch } from './planning/index.ts';
import { ProofIntake } from './proof/index.ts';
import { findTimeHealth, LineFollower, MediaClock } from './time/index.ts';
import { effectivePolicies, Units, type Sample } from './units/index.ts';

/** All that the broadcast centre needs to know of the world. */
export interface SchedulerConfig {
  /** Keys, the embedded database and audio lie below it. */
  readonly dataFolder: string;
  /** Your own PostgreSQL instead of the embedded one. */
  readonly databaseUrl?: string;
  readonly broker: {
    readonly url: string;
    /** The audience of tokens. */
    readonly name: string;
    /** PEM: whose certificates the broker's may be of, instead of those that Node.js believes. */
    readonly ca?: string;
    /** What receivers are told at joining; the same as `url` where absent. */
    readonly publicUrl?: string;
  };
  /** Sample units and receivers, put in once. */
  readonly sample?: Sample;
  readonly live?: { readonly latencyMs?: number; readonly timeBoxMs?: number };
  readonly log?: Logger;
}

/** What every part stands on. */
interface Ground {
  readonly config: SchedulerConfig;
  readonly log: Logger;
  readonly line: LineFollower;
  readonly timeHealth: () => TimeHealth;
  readonly clock: MediaClock;
  readonly keys: PlatformKeys;
  /** Null where the broker is ours, which asks for no certificates. */
  readonly clientAuthority: ClientAuthority | null;
  readonly database: Database;
}

/** Builds and starts all parts. Does not wait for the broker: what has to be published waits in the outbox. */
export async function createScheduler(config: SchedulerConfig): Promise<Scheduler> {
  const log = config.log ?? pino({ level: 'warn' }, pino.destination(2));
  const line = new LineFollower(config.dataFolder);
  const timeHealth = await findTimeHealth(line);
  const clock = new MediaClock(() => line.line());
  const keysFolder = join(config.dataFolder, 'keys');
  const keys = await loadKeys(keysFolder, clock.now());
  const clientAuthority = await loadClientAuthority(keysFolder);
  const { dataFolder, databaseUrl: url } = config;
  const database = await openDatabase({ dataFolder, url, log });
  try {
    return await build({ config, log, keys, clientAuthority, database, line, timeHealth, clock });
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function build(ground: Ground): Promise<Scheduler> {
  const { config, log, clock, timeHealth, keys, clientAuthority, database } = ground;
  const { db } = database;
  const changes = new Changes();
  const units = new Units({ db });
  const people = new People({ db, clock });
  const library = new Library({ db, clock, folder: join(config.dataFolder, 'audio') });
  if (config.sample !== undefined) await units.seed(config.sample);
  const delivery = await buildDelivery(ground);
  const { planning, outbox, link, onAir, revoked } = delivery;
  const listening = new Listening({ db, clock, airKey: keys.air, link });
  const { name, url, publicUrl = url } = config.broker;
  const broker = { url: publicUrl, name };
  const identities = new Identities({ db, clock, keys, clientAuthority, revoked, broker });
  const reached = { units, revoked, outbox, changes, log };
  const retiring = new Retiring({ db, clock, airKey: keys.air, link, ...reached });
  const enrolment = new Enrolment({ db, clock, identities, retiring, planning, ...reached });
  const timeKey = keys.time;
  const receivers = { identities, listening, revoked };
  const fleet = new Fleet({ db, clock, timeKey, units, planning, outbox, changes, ...receivers });
  const live = config.live ?? {};
  const history = new PacketHistory();
  const lateness = new LatenessIntake();
  const repair = new Repair({ history, clock, link });
  const kept = { history, lateness };
  const air = new Air({ db, clock, units, planning, onAir, outbox, link, changes, log, ...kept, ...live });
  const audioOf = findAudioIn(library);
  const codesLockedUntil = () => enrolment.codesLockedUntil();
  const shown = { audioOf, timeAlarms: () => timeHealth().alarms, codesLockedUntil };
  const broadcasts = new Broadcasts({ db, clock, units, planning, outbox, changes, live: air, ...shown });
  const messages = buildMessages(ground, delivery, { listening, repair, lateness, changes });

  await library.start();
  await air.start();
  await planning.refreshAll(db);
  outbox.start();
  link.start(messages.receivers());
  const refreshPlans = async (): Promise<void> => {
    await planning.refreshAll(db);
    outbox.kick();
  };
  const ticks = startTicks(ground, { outbox, air, changes, people, retiring, refreshPlans });

  const close = async (): Promise<void> => {
    ticks.close();
    listening.close();
    retiring.close();
    await air.close();
    await messages.close();
    await outbox.close();
    await link.close();
    await library.close();
    await database.close();
  };
  let closing: Promise<void> | null = null;
  return {
    clock,
    rootPublic: keys.rootPublic,
    people,
    units,
    library,
    broadcasts,
    air,
    fleet,
    enrolment: {
      join: async (request, address = '') => await enrolment.join(request, address),
      find: async (officer, code) => await enrolment.find(officer, code),
      add: async (officer, wanted) => await enrolment.add(officer, wanted),
      exchange: async (officer, id, code) => await enrolment.exchange(officer, id, code),
      retire: async (person, id) => await retiring.retire(person, id),
    },
    timeHealth,
    onChange: (listener) => changes.onChange(listener),
    refreshPlans,
    close: async () => await (closing ??= close()),
  };
}

interface Delivery {
  readonly epoch: number;
  readonly onAir: OnAir;
  readonly planning: Planning;
  readonly link: Link;
  readonly revoked: RevokedList;
  readonly outbox: Outbox;
}

/** The way from a change in the database to the broker. */
async function buildDelivery(ground: Ground): Promise<Delivery> {
  const { config, log, clock, keys, clientAuthority, database } = ground;
  const { db } = database;
  const epoch = await readEpoch(db);
  const onAir = new OnAir();
  const planning = new Planning({
    keys,
    clock,
    epoch,
    policiesOf: effectivePolicies,
    announcementOf: (id) => onAir.announcementOf(id),
  });
  const { url, ca, name: brokerName } = config.broker;
  const broker = { url, ca, brokerName, clientAuthority };
  const link = new Link({ role: 'platform', ...broker, credentialKey: keys.credential, clock, log });
  const revoked = new RevokedList({ db, clock, key: keys.credential });
  const outbox = new Outbox({ db, link, clock, log, revoked: async () => await revoked.sign() });
  return { epoch, onAir, planning, link, revoked, outbox };
}

/** The way from the broker to the database. */
function buildMessages(
  { log, clock, keys, database: { db } }: Ground,
  { epoch, link, outbox }: Delivery,
  takers: Pick<MessagesParts, 'listening' | 'repair' | 'lateness' | 'changes'>,
): Messages {
  const { changes } = takers;
  const reconciler = new Reconciler(db, outbox);
  const status = new StatusIntake({ db, clock, epoch, reconciler, changes, log });
  const proof = new ProofIntake({ db, clock, planKey: keys.plan, link, changes, log });
  return new Messages({ status, proof, ...takers, log });
}

function findAudioIn(library: Library): (id: string) => Promise<{ id: string; durationMs: number } | null> {
  return async (id) => {
    try {
      return await library.get(id);
    } catch (error) {
      if (error instanceof LoaLangError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  };
}

/** What is looked at again in case an event was lost, and keys that come of age. Nothing is late when a tick is. */
function startTicks(
  ground: Ground,
  { outbox, air, changes, people, retiring, refreshPlans }: TickParts,
): { close(): void } {
  const { line, clock, log, keys } = ground;
  const guarded = (what: string, act: () => Promise<void>) => async (): Promise<void> => {
    await act().catch((error: unknown) => log.error({ err: error }, what));
  };
  const eachMinute = guarded('could not end what was left open', async () => {
    outbox.kick();
    changes.notify();
    if (!line.isKept()) log.error('no time service keeps media time, and receivers get no clock answers');
    await air.closeOrphans();
    await retiring.finish();
  });
  const renewKeys = guarded('could not renew the keys', async () => {
    if (!(await keys.renew(clock.now()))) return;
    outbox.publishRevoked();
    await refreshPlans();
  });
  const eachNight = guarded('could not remove ended sessions', async () => await people.prune());
  const tasks = [
    schedule('* * * * *', eachMinute),
    schedule('* * * * *', renewKeys),
    schedule('43 3 * * *', eachNight),
  ];
  return { close: () => tasks.forEach((task) => void task.destroy()) };
}

interface TickParts {
  readonly outbox: Outbox;
  readonly air: Air;
  readonly changes: Changes;
  readonly people: People;
  readonly retiring: Retiring;
  readonly refreshPlans: () => Promise<void>;
}
