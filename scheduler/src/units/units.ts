import { and, asc, count, eq, inArray, isNull } from 'drizzle-orm';
import { LoaLangError, type Person, type Policy, type Unit } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';
import { outline } from './outline.ts';
import { seedSample, type Sample } from './sample.ts';
import { DEFAULT_POLICY, effectivePolicies, subtreeIds } from './tree.ts';

/** The tree of places: who may act where, what is below a unit, and which policy holds in it. */
export class Units {
  readonly #db: Db;

  constructor(options: { readonly db: Db }) {
    this.#db = options.db;
  }

  /** A unit and all below it in reading order, with receivers counted downwards. */
  async list(rootId: string): Promise<Unit[]> {
    const ids = await this.subtree(rootId);
    const { units, devices } = schema;
    const rows = await this.#db
      .select({
        id: units.id,
        parentId: units.parentId,
        kind: units.kind,
        name: units.name,
        position: units.position,
        ownDevices: count(devices.id),
      })
      .from(units)
      .leftJoin(devices, and(eq(devices.unitId, units.id), isNull(devices.retiredAt)))
      .where(inArray(units.id, ids))
      .groupBy(units.id);
    return outline(rows, rootId);
  }

  /** Id of the unit above all others; null while there is none. */
  async top(): Promise<string | null> {
    const { units } = schema;
    const rows = await this.#db
      .select({ id: units.id })
      .from(units)
      .where(isNull(units.parentId))
      .orderBy(asc(units.position), asc(units.id))
      .limit(1);
    return rows[0]?.id ?? null;
  }

  /** Ids of the unit itself and of all below it; empty where there is no such unit. */
  async subtree(unitId: string): Promise<string[]> {
    return await subtreeIds(this.#db, unitId);
  }

  /** Ids of all units in which a person may act. */
  async ofPerson(person: Pick<Person, 'unit'>): Promise<ReadonlySet<string>> {
    return new Set(await this.subtree(person.unit.id));
  }

  /** Throws NOT_FOUND unless the person may act in every one of the units: what is not theirs is not there for them. */
  async assertWithin(person: Pick<Person, 'unit'>, unitIds: readonly string[]): Promise<void> {
    const own = await this.ofPerson(person);
    if (!unitIds.every((id) => own.has(id))) throw new LoaLangError('NOT_FOUND');
  }

  /** The policy that holds in a unit: its own, else that of the nearest unit above. */
  async policy(unitId: string): Promise<Policy> {
    return (await this.policies([unitId])).get(unitId) ?? DEFAULT_POLICY;
  }

  /** The same for many units in one query. */
  async policies(unitIds: readonly string[]): Promise<Map<string, Policy>> {
    return await effectivePolicies(this.#db, unitIds);
  }

  /** Gives a unit a policy of its own, or (null) lets it inherit again. */
  async setPolicy(unitId: string, policy: Policy | null): Promise<void> {
    const { units } = schema;
    const rows = await this.#db
      .update(units)
      .set({ policy })
      .where(eq(units.id, unitId))
      .returning({ id: units.id });
    if (rows.length === 0) throw new LoaLangError('NOT_FOUND');
  }

  /** Adds sample units and receivers that are missing; returns how many were. */
  async seed(sample: Sample): Promise<{ units: number; devices: number }> {
    return await seedSample(this.#db, sample);
  }
}
