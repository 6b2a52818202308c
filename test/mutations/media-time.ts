// The key lines of the platform's media time.
import { mutationsOf } from './mutation.ts';

const TIME = 'scheduler/src/time';

export const ofMediaTime = [
  ...mutationsOf(
    `${TIME}/slew.ts`,
    `${TIME}/slew.test.ts`,
    ['Math.min(limitUs, Math.max(-limitUs, errorUs))', 'errorUs', 'media time never steps'],
    ['Math.abs(errorUs) < DEADBAND_US', 'false', 'rounding is not followed'],
  ),
];
