// Chromium, and what every page is looked at for: accessibility, console, policy.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const results = new URL('../test-results/', import.meta.url).pathname;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

export async function openBrowser() {
  mkdirSync(join(results, 'screens'), { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page that remembers what went wrong in it. */
export async function openPage(browser, url, { scheme = 'light', state, viewport } = {}) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: viewport ?? { width: 1440, height: 900 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    acceptDownloads: true,
    storageState: state,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const errors = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // Chromium writes a line for each refused request; which are right is the business of the tests.
    if (message.text().startsWith('Failed to load resource')) return;
    errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.problems = errors;
  return page;
}

export async function settle(page) {
  await page.waitForLoadState('networkidle').catch(() => undefined);
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"], .lines') === null);
  await page.evaluate(() => document.fonts.ready);
}

/** Fails with the names of all violations of WCAG 2.2 A and AA. */
export async function checkAccessibility(page) {
  // By the debugger's way in: the policy of the page forbids foreign scripts, as it should.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(
    (rules) => window.axe.run(document, { runOnly: { type: 'tag', values: rules } }),
    RULES,
  );
  const words = violations.map(
    (violation) =>
      `${violation.id}: ${violation.nodes.map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`,
  );
  if (words.length > 0) throw new Error(words.join('\n'));
}

export function checkConsole(page) {
  if (page.problems.length > 0) throw new Error(`console: ${page.problems.join('\n')}`);
}

export async function shoot(page, name) {
  await page.screenshot({ path: join(results, 'screens', `${name}.png`) });
}
