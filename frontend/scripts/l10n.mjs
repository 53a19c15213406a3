// Turns l10n.tsv, the one table of all words, into src/locales/<language>.json. With --check it also fails on an empty
// cell, a doubled key, a placeholder that differs between languages, a key that no source file uses, or a used key that is not there.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const problems = [];
const lines = readFileSync(join(root, 'l10n.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'));
const [, ...languages] = lines[0].split('\t');
const tables = Object.fromEntries(languages.map((language) => [language, {}]));
const plural = /_(zero|one|two|few|many|other)$/;

for (const line of lines.slice(1)) {
  const [key, ...cells] = line.split('\t');
  if (key in tables.en) problems.push(`${key}: stands twice`);
  languages.forEach((language, column) => {
    const text = (cells[column] ?? '').trim();
    // A dash: this language has no such plural form.
    if (text === '-' && plural.test(key)) return;
    if (!text) problems.push(`${key}: no text for ${language}`);
    else tables[language][key] = text;
  });
  if (cells.length !== languages.length)
    problems.push(`${key}: ${cells.length} cells instead of ${languages.length}`);
}

function placeholders(text) {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)]
    .map((match) => match[1])
    .sort()
    .join(' ');
}

for (const language of languages) {
  for (const [key, text] of Object.entries(tables[language])) {
    const english = tables.en[key] ?? tables.en[key.replace(plural, '_other')];
    if (english === undefined) problems.push(`${key}: not in English`);
    else if (!plural.test(key) && placeholders(english) !== placeholders(text)) {
      problems.push(`${key}: placeholders of ${language} differ from English`);
    }
  }
  const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  const stems = Object.keys(tables.en)
    .filter((key) => key.endsWith('_other'))
    .map((key) => key.slice(0, -6));
  for (const stem of stems) {
    for (const category of categories) {
      if (!(`${stem}_${category}` in tables[language]))
        problems.push(`${stem}_${category}: no text for ${language}`);
    }
  }
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'locales' ? [] : sources(path);
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

if (process.argv.includes('--check')) {
  const code = sources(join(root, 'src'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const known = (key) => key in tables.en || `${key}_other` in tables.en;
  for (const match of code.matchAll(/\bt\(\s*'([^']+)'/g)) {
    if (!known(match[1])) problems.push(`${match[1]}: used, but not in l10n.tsv`);
  }
  // Keys that are put together, as t(`status.${level}`): every key that starts so counts as used.
  const prefixes = [...code.matchAll(/`([a-z_]+\.(?:[a-z_]+\.)*)\$\{/g)].map((match) => match[1]);
  for (const key of Object.keys(tables.en)) {
    const stem = key.replace(plural, '');
    const used =
      code.includes(`'${stem}'`) ||
      code.includes(`'${key}'`) ||
      prefixes.some((prefix) => key.startsWith(prefix));
    if (!used) problems.push(`${key}: no source file uses it`);
  }
}

mkdirSync(join(root, 'src/locales'), { recursive: true });
for (const language of languages) {
  writeFileSync(
    join(root, 'src/locales', `${language}.json`),
    `${JSON.stringify(tables[language], null, 1)}\n`,
  );
}

if (problems.length > 0 && process.argv.includes('--check')) {
  console.error(problems.join('\n'));
  console.error(`l10n: ${problems.length} problems`);
  process.exit(1);
}
console.log(`l10n: ${Object.keys(tables.en).length} keys in ${languages.length} languages`);
