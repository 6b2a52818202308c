import { z } from 'zod';

/** What `storm` and the processes with its receivers say to one another. */
export const fleetOrderSchema = z.object({
  brokerUrl: z.string(),
  rootKey: z.string(),
  members: z.array(z.object({ deviceId: z.string(), credential: z.string(), privateKey: z.string() })),
});
export type FleetOrder = z.infer<typeof fleetOrderSchema>;
export type Member = FleetOrder['members'][number];

/** How many of them are online and hold their plan, and how many connections they have had in all. */
export const fleetCountSchema = z.object({
  type: z.literal('count'),
  back: z.number(),
  connections: z.number(),
});
export type FleetCount = z.infer<typeof fleetCountSchema>;
