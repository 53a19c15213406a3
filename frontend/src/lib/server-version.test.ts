import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('the pages and the programs carry one version', () => {
  const program = /^version = "(.+)"$/m.exec(readFileSync('../Cargo.toml', 'utf8'))?.[1];
  expect(__CERTYARD_VERSION__).toBe(program);
});
