// For tests and benchmarks of other workspaces: who may connect to a broker, and how.
export {
  AUDIENCE,
  Authority,
  connectPacket,
  deviceId,
  freshToken,
  PacketReader,
  TestVillage,
  type Holder,
} from './test-village.ts';
