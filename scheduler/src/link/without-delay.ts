import { Socket } from 'node:net';
import type { MqttClient } from 'mqtt';

/**
 * Turns Nagle's algorithm off (RFC 896) on the connection of now, which mqtt.js leaves on: a message would wait until the one
 * before is acknowledged, up to 40 ms where nothing goes the other way. Clock replies would be late by that, on one way
 * only, and a voice too.
 */
export function withoutDelay({ stream }: MqttClient): void {
  if (stream instanceof Socket) stream.setNoDelay(true);
}
