// Fails when src/api/schema.d.ts is not what openapi/openapi.json generates, or when either is missing.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const fresh = join(mkdtempSync(join(tmpdir(), 'client-')), 'schema.d.ts');
execFileSync('npx', ['openapi-typescript', '../openapi/openapi.json', '-o', fresh], {
  cwd: root,
  stdio: 'inherit',
});
if (readFileSync(fresh, 'utf8') !== readFileSync(join(root, 'src/api/schema.d.ts'), 'utf8')) {
  console.error('src/api/schema.d.ts is not what openapi/openapi.json generates: npm run client');
  process.exit(1);
}
console.log('client: as openapi.json says');
