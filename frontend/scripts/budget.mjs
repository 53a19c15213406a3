// Fails when the first load outgrows its budget: all JavaScript and style sheets that index.html asks for, as brotli.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const dist = new URL('../dist', import.meta.url).pathname;
const budgets = { js: 260_000, css: 40_000 };
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const assets = [...html.matchAll(/(?:src|href)="\/([^"]+\.(js|css))"/g)];
const totals = { js: 0, css: 0 };

for (const [, path, kind] of assets) {
  const compressed = join(dist, `${path}.br`);
  totals[kind] += statSync(existsSync(compressed) ? compressed : join(dist, path)).size;
}

let failed = false;
for (const [kind, budget] of Object.entries(budgets)) {
  const over = totals[kind] > budget || totals[kind] === 0;
  failed ||= over;
  console.log(
    `budget ${kind}: ${(totals[kind] / 1000).toFixed(1)} kB of ${budget / 1000} kB${over ? ', not met' : ''}`,
  );
}
process.exit(failed ? 1 : 0);
