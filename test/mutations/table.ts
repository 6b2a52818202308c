import { ofTheClock } from './clock.ts';
import { ofMediaTime } from './media-time.ts';
import type { Mutation } from './mutation.ts';
import { ofThePlayout } from './playout.ts';

/** Each key line of the algorithms that make receivers play together. */
export const mutations: readonly Mutation[] = [...ofTheClock, ...ofMediaTime, ...ofThePlayout];
