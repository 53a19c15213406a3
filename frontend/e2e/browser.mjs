// Chromium, and what every page is looked at for: accessibility, console, policy.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const results = new URL('../test-results/', import.meta.url).pathname;
const RULES = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'] };
// What alone can differ where the same page is looked at in other colours.
const CONTRAST_RULES = { type: 'rule', values: ['color-contrast-enhanced'] };
const COLOUR_RULES = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };
/** No request is under way for so long: the page has what it asked for. */
const QUIET_MS = 100;

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
  watchRequests(page);
  return page;
}

/** Keeps account of what the page waits for; the stream of a job, which has no end, does not count. */
function watchRequests(page) {
  const open = new Set();
  page.quietSince = Date.now();
  page.on('request', (request) => {
    if (!request.url().endsWith('/events')) open.add(request);
  });
  const done = (request) => {
    open.delete(request);
    page.quietSince = Date.now();
  };
  page.on('requestfinished', done);
  page.on('requestfailed', done);
  page.isQuiet = () => open.size === 0 && Date.now() - page.quietSince >= QUIET_MS;
}

/** Waits until nothing is under way, nothing says that it is loading, and the letters are there. */
export async function settle(page) {
  const end = Date.now() + 20_000;
  while (!page.isQuiet()) {
    if (Date.now() > end) throw new Error(`requests without an end on ${page.url()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  await page.waitForFunction(
    () => document.querySelector('[aria-busy="true"], .lines') === null && document.fonts.status === 'loaded',
  );
}

/** Switches the theme under an open page; what is chosen in it stays. */
export async function setScheme(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme });
  await page.waitForFunction(
    (wanted) => document.documentElement.getAttribute('data-mantine-color-scheme') === wanted,
    scheme,
  );
}

/** Waits until no colour is on its way to another; what turns for ever is not waited for. */
async function rest(page) {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity)
        .map((animation) => animation.finished),
    ),
  );
}

/** Fails with the names of all violations of WCAG 2.2 A and AA; `colours` looks at those of a theme alone: `contrast` at 7:1. */
export async function checkAccessibility(page, { colours } = {}) {
  // By the debugger's way in: the policy of the page forbids foreign scripts, as it should.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource);
  await rest(page);
  const { violations } = await page.evaluate(
    (runOnly) =>
      window.axe.run(document, {
        runOnly,
        resultTypes: ['violations'],
      }),
    { dark: COLOUR_RULES, contrast: CONTRAST_RULES }[colours] ?? RULES,
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
