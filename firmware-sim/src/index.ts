// Virtual boards, networks and fleets of receivers around the real agent.
export { VirtualRtc } from './board/rtc.ts';
export { VirtualBoard, type BoardFaults } from './board/virtual-board.ts';
export { Fleet, type FleetOptions } from './fleet/fleet.ts';
export { Receiver, type ReceiverState } from './fleet/receiver.ts';
export type { RecordingOptions } from './fleet/recorder.ts';
export { readSampleDevices, type SampleDevice } from './fleet/sample.ts';
export {
  makeSyntheticTrace,
  parseCapacityTrace,
  type CapacityTrace,
  type SyntheticTraceOptions,
} from './network/capacity-trace.ts';
export { Link } from './network/link.ts';
export {
  mild4g,
  perfectNetwork,
  weak4g,
  type DirectionProfile,
  type Jitter,
  type NetworkProfile,
} from './network/profile.ts';
export { TcpShaper } from './network/tcp-shaper.ts';
export { VirtualNetwork, type Outage } from './network/virtual-network.ts';
export { readRecording, soundOf, type Stretch } from './recording/read-recording.ts';
export { BUSY_CARD, DMA_CARD, USB_CARD, type CardProfile } from './twin/card-reader.ts';
export { Oscillator, CHEAP_CRYSTAL, type Crystal } from './twin/oscillator.ts';
export { PairErrors, type PairCounts } from './twin/pair-errors.ts';
export { SoundTwin, type SoundTwinOptions } from './twin/sound-twin.ts';
export type { HeardBlock } from './twin/sound-card.ts';
export { TwinLink, type LinkStory, type Stall } from './twin/twin-link.ts';
export { EPOCH_US, TwinReceiver, type TwinOptions } from './twin/twin-receiver.ts';
export { BoardClock, VirtualTime } from './twin/virtual-time.ts';
export { drawBetween, seededRandom, type Random } from './random.ts';
