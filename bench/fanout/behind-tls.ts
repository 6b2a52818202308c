// Our broker with TLS: its own, or HAProxy's in front of it.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { freePort, isOpen, startOurs, type Contestant, type Grounds } from './contestants.ts';

const readySchema = z.object({ listeners: z.array(z.object({ scheme: z.string(), port: z.number() })) });

/** TLS in the broker. */
export async function startWithTls(grounds: Grounds): Promise<Contestant> {
  const { certificate, key } = makeCertificate(grounds.folder, 'broker');
  const { contestant, ready } = await startOurs(grounds, 'send', {
    LOALANG_BROKER_LISTEN: 'mqtts://127.0.0.1:0',
    LOALANG_BROKER_CERTIFICATE: certificate,
    LOALANG_BROKER_CERTIFICATE_KEY: key,
  });
  return { ...contestant, name: 'tls', port: secondPort(ready), isTls: true };
}

/** TLS in HAProxy, whose time counts too. */
export async function startBehindHaproxy(grounds: Grounds): Promise<Contestant> {
  const { children, folder } = grounds;
  const { contestant, ready } = await startOurs(grounds, 'send', {
    LOALANG_BROKER_LISTEN: 'mqtt://127.0.0.1:0?proxy=127.0.0.1',
  });
  const { certificate, key } = makeCertificate(folder, 'haproxy');
  const pem = join(folder, 'haproxy.pem');
  writeFileSync(pem, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  const [port, file] = [await freePort(), join(folder, 'haproxy.cfg')];
  writeFileSync(file, configuration(port, pem, secondPort(ready)));
  const { pid = 0 } = children.start('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  await isOpen('haproxy', port);
  return { ...contestant, name: 'haproxy', pids: [...contestant.pids, pid], port, isTls: true };
}

/** The first is the plain one, which is always there. */
function secondPort(ready: unknown): number {
  return readySchema.parse(ready).listeners[1]?.port ?? 0;
}

/** A certificate by nobody: the receivers of the benchmark believe any. */
function makeCertificate(folder: string, name: string): { certificate: string; key: string } {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    `/CN=${name}`,
  ];
  execFileSync('openssl', ['req', '-x509', ...kind, '-days', '2', '-keyout', key, '-out', certificate], {
    stdio: 'pipe',
  });
  return { certificate, key };
}

/** As `docs/haproxy` has it, without its limits for each address. */
function configuration(port: number, pem: string, behind: number): string {
  return `
global
    maxconn 4000
    ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
    mode tcp
    timeout connect 5s
    timeout client 180s
    timeout server 180s
frontend mqtts
    bind 127.0.0.1:${port} ssl crt ${pem}
    default_backend broker
backend broker
    option splice-auto
    server broker 127.0.0.1:${behind} send-proxy-v2
`;
}
