import type { Scheduler } from '@loalang/scheduler';

/** What the console needs of the broadcast centre. */
export type Platform = Pick<
  Scheduler,
  | 'clock'
  | 'people'
  | 'units'
  | 'library'
  | 'broadcasts'
  | 'air'
  | 'fleet'
  | 'enrolment'
  | 'timeHealth'
  | 'onChange'
>;

/** A session just opened: the token goes to the browser and is kept nowhere else. */
export type OpenedSession = Awaited<ReturnType<Platform['people']['signIn']>>;
