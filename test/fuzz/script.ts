// What one connection says: made of its seed alone.
import { seededRandom, type Random } from '@loalang/firmware-sim';
import { allowed, anything, connect, type FuzzRole } from './samples.ts';
import { draw, pick, spoilHard, spoilSoft } from './mutate.ts';

export interface Script {
  readonly role: FuzzRole;
  /** What follows the real sign-in of a role; of a stranger, everything. */
  readonly bytes: Buffer;
  /** How many packets were spoilt to make it. */
  readonly mutated: number;
}

/** Most have signed in: there is more behind the door than before it. */
const roles: readonly FuzzRole[] = ['stranger', 'stranger', 'device', 'device', 'device', 'platform', 'time'];
const MAX_PACKETS = 400;
/** One in so many is spoilt so that it may end the connection, and with it what comes after. */
const HARD_EACH = 200;

/** `id`: whom the one who speaks is signed in as. */
export function makeScript(seed: string, id: string): Script {
  const random = seededRandom(seed);
  const role = pick(random, roles);
  const packets = role === 'stranger' ? strange(random, id) : known(random, role, id);
  return { role, bytes: Buffer.concat(packets), mutated: packets.length };
}

/** A spoilt CONNECT, and perhaps more. */
function strange(random: Random, id: string): Buffer[] {
  const count = 1 + draw(random, 3);
  return Array.from({ length: count }, (_, index) =>
    spoilHard(index === 0 ? connect(random, id) : anything(random, id), random, anything(random, id)),
  );
}

function known(random: Random, role: Exclude<FuzzRole, 'stranger'>, id: string): Buffer[] {
  const count = 1 + draw(random, MAX_PACKETS);
  const packets: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    const isHard = draw(random, HARD_EACH) === 0 || index === count - 1;
    packets.push(
      isHard
        ? spoilHard(anything(random, id), random, anything(random, id))
        : spoilSoft(allowed(random, role, id), random),
    );
  }
  return packets;
}
