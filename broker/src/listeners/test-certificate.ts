import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateFiles } from './certificate-pair.ts';

/** For tests: a self-signed certificate of this machine, made by Debian's openssl; whoever trusts it trusts its server. */
export function makeTestCertificate(
  folder: string,
  name: string,
): CertificateFiles & { readonly pem: string } {
  const files = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const what = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2'];
  const out = ['-keyout', files.key, '-out', files.certificate];
  execFileSync('openssl', ['req', '-x509', ...curve, ...what, ...out], { stdio: 'pipe' });
  return { ...files, pem: readFileSync(files.certificate, 'utf8') };
}
