import { describe, expect, it } from 'vitest';
import { ManualClock } from '@loalang/scheduler/testing';
import { mediaTime } from '@loalang/shared';
import { networkOf, SignInBrake } from './sign-in-brake.ts';

function makeBrake() {
  const clock = new ManualClock(mediaTime(1_700_000_000_000_000));
  return { clock, brake: new SignInBrake(clock) };
}

describe('the brake on signing in', () => {
  it('lets five attempts through, then makes each wait twice as long as the last', () => {
    const { clock, brake } = makeBrake();
    const waits = Array.from({ length: 6 }, () => brake.begin('lan', '10.0.0.1'));
    expect(waits).toEqual([0, 0, 0, 0, 0, 60]);
    clock.advance(59_000);
    expect(brake.begin('lan', '10.0.0.1')).toBe(1);
    clock.advance(1_000);
    expect(brake.begin('lan', '10.0.0.1')).toBe(0);
    expect(brake.begin('LAN ', '10.0.0.1')).toBe(120);
  });

  it('counts attempts that are made at once', () => {
    const { brake } = makeBrake();
    for (let attempt = 0; attempt < 5; attempt += 1) brake.begin('lan', '10.0.0.1');
    expect(brake.begin('lan', '10.0.0.1')).toBe(60);
  });

  it('does not keep the owner out whom a stranger elsewhere impersonates', () => {
    const { brake } = makeBrake();
    for (let attempt = 0; attempt < 6; attempt += 1) brake.begin('lan', '10.0.0.1');
    expect(brake.begin('lan', '10.0.0.2')).toBe(0);
  });

  it('slows an address that tries many accounts', () => {
    const { brake } = makeBrake();
    for (let attempt = 0; attempt < 20; attempt += 1) {
      expect(brake.begin(`person${attempt}`, '10.0.0.1')).toBe(0);
    }
    expect(brake.begin('lan', '10.0.0.1')).toBe(60);
  });

  it('slows an account that is tried from many addresses', () => {
    const { brake } = makeBrake();
    for (let attempt = 0; attempt < 100; attempt += 1) {
      expect(brake.begin('lan', `10.0.${attempt}.1`)).toBe(0);
    }
    expect(brake.begin('lan', '10.1.0.1')).toBe(60);
  });

  it('forgets failures after a success, and after an hour', () => {
    const { clock, brake } = makeBrake();
    for (let attempt = 0; attempt < 5; attempt += 1) brake.begin('lan', '10.0.0.1');
    brake.succeed('lan', '10.0.0.1');
    expect(brake.begin('lan', '10.0.0.1')).toBe(0);
    for (let attempt = 0; attempt < 4; attempt += 1) brake.begin('lan', '10.0.0.1');
    expect(brake.begin('lan', '10.0.0.1')).toBe(60);
    clock.advance(61 * 60_000);
    expect(brake.begin('lan', '10.0.0.1')).toBe(0);
    expect(brake.begin('lan', '10.0.0.1')).toBe(0);
  });

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
  ])('counts %s as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
