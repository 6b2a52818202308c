// A process with many receivers in it, counted for whoever started it.
import { fromUnixMs, type MediaTime } from '@loalang/shared';
import { TrustStore } from '@loalang/shared/signing';
import { fleetOrderSchema, type FleetCount, type FleetOrder } from './messages.ts';
import { StormReceiver } from './receiver.ts';

const COUNT_EVERY_MS = 50;

process.send?.({ type: 'ready' });
process.once('message', (message) => start(fleetOrderSchema.parse(message)));
process.once('disconnect', () => process.exit(0));

function start({ brokerUrl, rootKey, members }: FleetOrder): void {
  const now = (): MediaTime => fromUnixMs(Date.now());
  const trust = new TrustStore(rootKey);
  const receivers = members.map((member) => new StormReceiver(member, { brokerUrl, trust, now }));
  for (const receiver of receivers) receiver.start();
  setInterval(() => process.send?.(count(receivers)), COUNT_EVERY_MS);
}

function count(receivers: readonly StormReceiver[]): FleetCount {
  let back = 0;
  let connections = 0;
  for (const receiver of receivers) {
    if (receiver.isBack) back += 1;
    connections += receiver.connections;
  }
  return { type: 'count', back, connections };
}
