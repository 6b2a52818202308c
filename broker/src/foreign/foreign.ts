// What brokers that are not ours are generated from.
import type { CertificateFiles } from '../listeners/certificate-pair.ts';
import { packetBytes, waitingBytes } from '../limits/bounds.ts';

export interface GeneratedFile {
  readonly name: string;
  readonly text: string;
}

export interface ForeignOptions {
  /** Where the files will lie when the broker reads them. */
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  /** The broker's own certificate. */
  readonly certificate: CertificateFiles;
  /** PEM: whose client certificates are believed. */
  readonly clientCa: string;
  readonly connections: number;
  /** Ids that are shut out. */
  readonly revoked: readonly string[];
}

export const MAX_PACKET_BYTES = packetBytes.platform;
export const MAX_WAITING_BYTES = waitingBytes.platform;
