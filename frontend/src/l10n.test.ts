import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { LANGUAGES } from './i18n';

const script = new URL('../scripts/l10n.mjs', import.meta.url).pathname;

/** The keys of a language, plural forms of one word as one. */
function keys(language: string): string[] {
  const path = new URL(`./locales/${language}.json`, import.meta.url);
  const names = Object.keys(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>);
  return [...new Set(names.map((name) => name.replace(/_(zero|one|two|few|many|other)$/, '')))].sort();
}

describe('words', () => {
  beforeAll(() => {
    execFileSync('node', [script]);
  }, 30_000);

  it('are complete: no cell is empty, no key missing or unused', () => {
    expect(() => execFileSync('node', [script, '--check'], { stdio: 'pipe' })).not.toThrow();
  }, 30_000);

  it.each(Object.keys(LANGUAGES))('%s has every key of English', (language) => {
    expect(keys('en').length).toBeGreaterThan(200);
    expect(keys(language)).toEqual(keys('en'));
  });
});
