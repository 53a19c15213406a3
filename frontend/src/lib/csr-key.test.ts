// @vitest-environment node
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdsKeyOf } from './csr-key';

let folder = '';
const at = (name: string) => join(folder, name);
const read = (name: string) => new Uint8Array(readFileSync(at(name)));
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'csr-key-'));
  for (const [name, kind] of [
    ['own', ['rsa:2048']],
    ['other', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ] as const) {
    const key = ['-newkey', ...kind, '-nodes', '-keyout', at(`${name}.key`)];
    openssl('req', ...key, '-subj', '/CN=node.example.org', '-out', at(`${name}.csr`));
    openssl(
      'req',
      '-x509',
      '-key',
      at(`${name}.key`),
      '-subj',
      '/CN=node',
      '-days',
      '9',
      '-out',
      at(`${name}.pem`),
    );
    openssl('x509', '-in', at(`${name}.pem`), '-outform', 'DER', '-out', at(`${name}.der`));
    const chain = ['-certfile', at(`${name}.pem`)];
    openssl('crl2pkcs7', '-nocrl', ...chain, '-outform', 'DER', '-out', at(`${name}.p7b`));
    openssl('crl2pkcs7', '-nocrl', ...chain, '-out', at(`${name}.p7s`));
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('holdsKeyOf', () => {
  it.each(['pem', 'der', 'p7b', 'p7s'])('tells whose key a file holds: .%s', (kind) => {
    for (const name of ['own', 'other']) {
      const csr = readFileSync(at(`${name}.csr`), 'utf8');
      expect(holdsKeyOf(csr, read(`own.${kind}`))).toBe(name === 'own');
      expect(holdsKeyOf(csr, read(`other.${kind}`))).toBe(name === 'other');
    }
  });

  it('leaves to the server what it cannot read', () => {
    expect(holdsKeyOf('no CSR', read('own.pem'))).toBeNull();
    expect(
      holdsKeyOf(
        '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----',
        read('own.pem'),
      ),
    ).toBeNull();
  });
});
