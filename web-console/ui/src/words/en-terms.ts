import type { terms as viTerms } from './vi-terms.ts';

/** What the contract's own words are called in English. */
export const terms: typeof viTerms = {
  kinds: { file: 'Recording', live: 'Live' },
  priorities: { normal: 'normal', priority: 'priority', emergency: 'emergency' },
  unitKinds: {
    province: 'province',
    district: 'district',
    town: 'town',
    commune: 'commune',
    village: 'village',
    group: 'residential group',
  },
  roles: { operator: 'Operator', administrator: 'Administrator' },
  cells: {
    waiting: 'not there yet',
    cached: 'on the receiver',
    playing: 'playing',
    played: 'played in full',
    partial: 'played in part',
    missed: 'not played',
    unconfirmed: 'not confirmed yet',
  },
  deviceStates: {
    playing: 'Playing',
    ready: 'Ready',
    offline: 'Offline',
    'no-clock': 'Does not know the time',
    fault: 'Fault',
    'never-seen': 'Never connected',
  },
  deviceNotes: {
    offline: 'Ask somebody nearby to look at its power and network.',
    'no-clock': 'It does not play its schedule until it knows the time; live speech works.',
    'never-seen': 'Check power, network and its joining code.',
  },
  timeAlarms: {
    unkept: {
      title: 'Nothing keeps the common time of the loudspeakers',
      note: 'They keep time by themselves for some hours, then they may drift apart. Tell whoever runs the server now.',
    },
    off: {
      title: 'The server’s clock is more than a second off broadcast time',
      note: 'Loudspeakers still play together, maybe early or late. Ask whoever runs the server to check its clock.',
    },
    unsynchronised: {
      title: 'The server’s clock does not follow standard time',
      note: 'Loudspeakers still play together, but the hour goes wrong by and by. Ask whoever runs the server to set its clock by the network.',
    },
  },
  faults: {
    'amplifier-no-current': 'no current through the amplifier',
    overheated: 'too hot',
    'disk-full': 'storage is full',
    'mains-lost': 'mains lost, on battery',
    'sink-failed': 'sound output failed',
    'rtc-failed': 'battery-backed clock is wrong, replace its battery',
    'clock-unknown': 'does not know the time',
  },
  missed: {
    'asset-missing': 'the audio had not arrived',
    'asset-corrupt': 'the audio arrived damaged',
    'clock-unknown': 'it did not know the time',
    'quiet-hours': 'quiet hours',
    interrupted: 'interrupted by another bulletin',
    stopped: 'stopped by order',
    muted: 'muted',
    'powered-off': 'no power',
    'no-packets': 'no sound came over the network',
    'sink-failed': 'sound output failed',
  },
  networks: { lan: 'LAN', '4g': '4G', wifi: 'Wi-Fi' },
};
