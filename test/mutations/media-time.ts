// The key lines of the platform's media time.
import { mutationsOf } from './mutation.ts';

const TIME = 'scheduler/src/time';

export const ofMediaTime = [
  ...mutationsOf(
    `${TIME}/line.ts`,
    `${TIME}/line.test.ts`,
    ['clamp(line.pullUs, elapsedUs * MAX_SLEW)', 'line.pullUs', 'media time never steps'],
    ['Math.abs(errorUs) < DEADBAND_US', 'false', 'rounding is not followed'],
    [
      'Math.max(wallUs, kept?.mediaUs ?? 0)',
      'wallUs',
      'media time never goes back, over a boot of the machine neither',
    ],
  ),
];
