/** Why a connection never got as far as MQTT. */
export const handshakeObjections = [
  'handshake-slow',
  'handshake-full',
  'tls-failed',
  'websocket-failed',
  'proxy-failed',
  'proxy-unknown',
] as const;
export type HandshakeObjection = (typeof handshakeObjections)[number];

export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
  readonly objection: HandshakeObjection;

  constructor(objection: HandshakeObjection) {
    super(`no connection: ${objection}`);
    this.objection = objection;
  }
}
