import type { Broadcast, MediaTime, Receipt } from '@loalang/shared';
import { isSilent, type deviceRepository } from '../fleet/index.ts';
import type { StoredProof } from '../proof/index.ts';
import { cellState, makeReceipt, summarizeProofs, type CellInput } from '../receipts/index.ts';
import type { BroadcastRow, Link } from './broadcast-repository.ts';

/** All that was read for showing some broadcasts to one person. */
export interface Facts {
  readonly now: MediaTime;
  /** In the order in which they are shown everywhere. */
  readonly devices: readonly deviceRepository.PlacedDevice[];
  readonly links: readonly Link[];
  readonly proofs: readonly StoredProof[];
  readonly unitNames: ReadonlyMap<string, string>;
}

/** Facts by broadcast and receiver, so that a province's day is shown in one pass. */
export class BroadcastView {
  readonly #facts: Facts;
  readonly #links: ReadonlyMap<string, Link>;
  readonly #proofs = new Map<string, StoredProof['body'][]>();

  constructor(facts: Facts) {
    this.#facts = facts;
    this.#links = new Map(facts.links.map((link) => [keyOf(link.broadcastId, link.deviceId), link]));
    for (const { broadcastId, deviceId, body } of facts.proofs) {
      const key = keyOf(broadcastId, deviceId);
      const parts = this.#proofs.get(key);
      if (parts === undefined) this.#proofs.set(key, [body]);
      else parts.push(body);
    }
  }

  broadcast(row: BroadcastRow): Broadcast {
    const { id, kind, title, priority, startAt, endAt, stoppedAt, audioId, createdBy, unitIds } = row;
    const places = unitIds.map((unitId) => this.#facts.unitNames.get(unitId) ?? unitId);
    const cells = this.#inputs(row).map(({ deviceId, input }) => ({ deviceId, state: cellState(input) }));
    return { id, kind, title, priority, startAt, endAt, stoppedAt, audioId, createdBy, places, cells };
  }

  receipts(row: BroadcastRow): Receipt[] {
    return this.#inputs(row).map(({ deviceId, input }) => makeReceipt(deviceId, input));
  }

  #inputs(row: BroadcastRow): { deviceId: string; input: CellInput }[] {
    const { now, devices } = this.#facts;
    return devices.flatMap((device) => {
      const key = keyOf(row.id, device.id);
      const link = this.#links.get(key);
      if (link === undefined) return [];
      const isPlaying = !isSilent(device.lastSeenAt, now) && device.status?.playing?.broadcastId === row.id;
      const input: CellInput = {
        now,
        kind: row.kind,
        startAt: row.startAt,
        endAt: row.endAt,
        stoppedAt: link.stoppedAt ?? row.stoppedAt,
        isCached: link.isCached,
        isPlaying,
        proof: summarizeProofs(this.#proofs.get(key) ?? []),
      };
      return [{ deviceId: device.id, input }];
    });
  }
}

function keyOf(broadcastId: string, deviceId: string): string {
  return `${broadcastId}/${deviceId}`;
}
