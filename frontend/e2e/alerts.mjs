// The board of alerts: its figures, filters, panels and file, and what it says when nothing burns or nothing answers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

/** All rows of a list, page after page. */
export async function all(stack, path) {
  const rows = [];
  let cursor = null;
  do {
    const mark = path.includes('?') ? '&' : '?';
    const next = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await stack.api('GET', `${path}${mark}limit=200${next}`);
    rows.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor !== null);
  return rows;
}

const rowsOf = (page) => page.locator('tbody tr[data-row]');
const idsOf = (page) => rowsOf(page).evaluateAll((rows) => rows.map((row) => row.dataset.row));

/** Waits until the table shows these rows, in this order; a page of the table is 50. */
async function shows(page, rows, what) {
  const wanted = rows.slice(0, 50).map((row) => row.id);
  truth(wanted.length > 0, `${what}: no rows, the test shows nothing`);
  await until(what, async () => (await idsOf(page)).join() === wanted.join(), 20);
}

async function open(page, address) {
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  await rowsOf(page).first().waitFor();
}

export async function alertList(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const board = await all(stack, '/alerts');

  await suite.test('the figures of the alerts are the numbers of their rows', async () => {
    await open(page, '/alerts');
    await shows(page, board, 'all alerts');
    for (const [kind, name] of [
      ['identity', 'Identity certificates'],
      ['trust', 'Trust certificates'],
    ]) {
      for (const [status, word] of [
        ['expired', 'Expired'],
        ['expiring', 'Expiring soon'],
      ]) {
        const count = (await all(stack, `/alerts?kind=${kind}&status=${status}`)).length;
        await page
          .getByRole('button', { name: `${word} ${count} ${name}`, exact: true })
          .waitFor({ timeout: 10_000 });
      }
    }
  });

  await suite.test('a figure shows its rows only, and pressed once more all', async () => {
    await open(page, '/alerts');
    const figure = page.getByRole('button', { name: /^Expiring soon \d+ Trust certificates$/ });
    await figure.click();
    await page.waitForURL((url) => url.search === '?kind=trust&status=expiring');
    equal(await figure.getAttribute('aria-pressed'), 'true', 'pressed');
    await shows(page, await all(stack, '/alerts?kind=trust&status=expiring'), 'rows of the figure');
    await figure.click();
    await page.waitForURL((url) => url.search === '');
    await shows(page, board, 'all alerts again');
  });

  await suite.test(
    'certificates and products are chosen by keyboard, and the address keeps it all',
    async () => {
      const [first] = board;
      await open(page, '/alerts');
      const certificates = page.getByRole('combobox', { name: 'Certificates', exact: true });
      await certificates.focus();
      await page.keyboard.press('Enter');
      const choice = page.getByRole('listbox', { name: 'Certificates' });
      await choice.waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'alerts-choice');
      const names = await choice.getByRole('option').allInnerTexts();
      const at = names.indexOf(first.store);
      truth(at >= 0, `${first.store} is not among ${names}`);
      for (let step = 0; step <= at; step += 1) await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.searchParams.get('certificate') === first.store);
      const other = names[at === 0 ? 1 : 0];
      await choice.getByRole('option', { name: other, exact: true }).click();
      await page.waitForURL((url) => url.searchParams.get('certificate') === `${first.store},${other}`);
      await page.keyboard.press('Escape');
      await page.getByRole('combobox', { name: 'Products', exact: true }).click();
      await page.getByRole('option', { name: 'Unified CM', exact: true }).click();
      await page.getByRole('option', { name: 'IM and Presence', exact: true }).click();
      await page.waitForURL((url) => url.searchParams.get('product') === 'cucm,imp');
      const query = `certificate=${first.store}&certificate=${other}&product=cucm&product=imp`;
      const wanted = await all(stack, `/alerts?${query}`);
      await shows(page, wanted, 'rows of the choice');
      await page.reload({ waitUntil: 'domcontentloaded' });
      await shows(page, wanted, 'the same rows after a reload');
      await page.getByRole('combobox', { name: `Certificates: ${first.store}, ${other}` }).waitFor();
      truth(wanted.length < board.length, 'the choice narrows nothing: the test shows nothing');
    },
  );

  await suite.test('the file of the alerts has all rows of the filter, not those of a page', async () => {
    const [first] = board;
    const query = `kind=${first.kind}&status=expired`;
    const wanted = await all(stack, `/alerts?${query}`);
    await page.goto(`/alerts?${query}`, { waitUntil: 'domcontentloaded' });
    await settle(page);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Export CSV' }).click(),
    ]);
    const path = join(stack.folder, 'alerts.csv');
    await download.saveAs(path);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\r\n');
    equal(lines.length, wanted.length + 1, 'lines');
    truth(/\.csv$/.test(download.suggestedFilename()), download.suggestedFilename());
  });

  await suite.test('every list of certificates, clusters and jobs has its file', async () => {
    const { items } = await stack.api('GET', '/clusters?limit=200');
    const cluster = items.find((item) => item.name === stack.nodes[0].cluster);
    const base = `/clusters/${cluster.id}`;
    for (const address of [
      '/clusters?q=a&product=cucm,imp',
      `${base}/identity?q=tomcat&status=valid`,
      `${base}/trust?status=expired`,
      `${base}/jobs?state=succeeded`,
      '/jobs',
    ]) {
      await page.goto(address, { waitUntil: 'domcontentloaded' });
      const href = await page.getByRole('link', { name: 'Export CSV' }).getAttribute('href');
      const answer = await fetch(`${stack.url}${href}`, { headers: { cookie: stack.cookie } });
      equal(answer.status, 200, `${address}: ${href}`);
      truth(answer.headers.get('content-type').startsWith('text/csv'), `${href} is no CSV`);
      await answer.text();
    }
  });

  await suite.test(
    'a search, a row opened by keys, its panel, and back to the row and the list',
    async () => {
      const identity = board.find((row) => row.kind === 'identity') ?? board[0];
      const wanted = await all(stack, `/alerts?search=${encodeURIComponent(identity.node.name)}`);
      await open(page, '/alerts');
      await page.keyboard.press('/');
      await page.keyboard.type(identity.node.name);
      await page.waitForURL((url) => url.searchParams.get('q') === identity.node.name);
      await shows(page, wanted, 'rows of the search');
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press('j');
      await page.waitForURL((url) => url.searchParams.get('cert') === wanted[0].id);
      await page.locator('section.panel h2').waitFor();
      if (wanted.length > 1) {
        await page.keyboard.press('j');
        await page.waitForURL((url) => url.searchParams.get('cert') === wanted[1].id);
        await page.keyboard.press('k');
        await page.waitForURL((url) => url.searchParams.get('cert') === wanted[0].id);
      }
      await settle(page);
      await checkAccessibility(page);
      await page.keyboard.press('Escape');
      await page.waitForURL((url) => !url.searchParams.has('cert'));
      const focused = () => page.evaluate(() => document.activeElement?.closest('tr')?.dataset.row);
      await until('the focus on the row', async () => (await focused()) === wanted[0].id, 10);
      await page.keyboard.press('Enter');
      await page.locator('section.panel h2').waitFor();
      await page.goBack();
      await page.locator('section.panel').waitFor({ state: 'detached' });
      await shows(page, wanted, 'the filtered list');
      checkConsole(page);
    },
  );

  await suite.test('who knows of a certificate holds its mails back, and lets them go again', async () => {
    const row = board.find((item) => item.kind === 'identity');
    await open(page, `/alerts?cert=${row.id}`);
    const panel = page.locator('section.panel');
    await panel.getByRole('button', { name: 'Hold back mails …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('switched off on Friday');
    await dialog.getByRole('button', { name: 'Hold back mails …' }).click();
    await panel.getByText('switched off on Friday').waitFor();
    await page.locator(`tr[data-row="${row.id}"]`).getByText('Mails held back').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'acknowledged');
    await panel.getByRole('button', { name: 'Send mails again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Send mails again' }).click();
    await panel.getByRole('button', { name: 'Hold back mails …' }).waitFor();
    const { items } = await stack.api('GET', `/acknowledgements?certificate_id=${row.certificate_id}`);
    truth(items[0].ended_by, 'it was not taken back');
  });

  await suite.test(
    'each kind has its panel, and a trusted certificate names all clusters that hold it',
    async () => {
      for (const kind of ['identity', 'trust']) {
        const [row] = await all(stack, `/alerts?kind=${kind}`);
        truth(row, `no alert of ${kind}`);
        // The list is filtered to another row: the panel has to find out by itself what it shows.
        await page.goto(`/alerts?q=no-such-certificate&cert=${row.id}`, { waitUntil: 'domcontentloaded' });
        const panel = page.locator('section.panel');
        await panel.getByRole('button', { name: 'Copy PEM' }).waitFor();
        if (kind === 'identity') {
          await panel.getByRole('tab', { name: 'History' }).waitFor();
          continue;
        }
        const holders = await all(stack, `/certificates/${row.certificate_id}/clusters`);
        await until('the clusters', async () => (await panel.locator('.holders li').count()) > 0, 20);
        const shown = await panel.locator('.holders li').allInnerTexts();
        equal(shown.length, Math.min(50, holders.length), 'clusters');
        truth(shown[0].includes(holders[0].cluster.name), shown[0]);
        truth(shown[0].includes(`${holders[0].trust_count} trust store`), shown[0]);
      }
    },
  );
  await page.context().close();
}

export async function quietBoard(suite, stack, browser, state) {
  await suite.test('when nothing burns the board says until when, and what is next', async () => {
    for (const scheme of ['light', 'dark']) {
      const page = await openPage(browser, stack.url, { state, scheme });
      await page.route('**/api/v1/alerts?*', (route) => route.fulfill({ json: { items: [], next: null } }));
      await page.goto('/alerts', { waitUntil: 'domcontentloaded' });
      await page.getByRole('heading', { name: /^Nothing expires before / }).waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, `alerts-quiet-${scheme}`);
      checkConsole(page);
      await page.context().close();
    }
  });

  await suite.test('a fleet without certificates is no good news', async () => {
    const page = await openPage(browser, stack.url, { state });
    const nothing = (route) => route.fulfill({ json: { items: [], next: null } });
    await page.route('**/api/v1/alerts?*', nothing);
    await page.route('**/api/v1/installations?*', nothing);
    await page.goto('/alerts', { waitUntil: 'domcontentloaded' });
    await page.getByRole('heading', { name: 'No certificates yet' }).waitFor();
    await page.context().close();
  });

  await suite.test('alerts that cannot be read say why, and are read again on demand', async () => {
    const page = await openPage(browser, stack.url, { state });
    await page.route('**/api/v1/alerts?*', (route) =>
      route.fulfill({
        status: 422,
        contentType: 'application/problem+json',
        json: { status: 422, code: 'no_such_code', title: 'Refused', detail: 'Refused for the test.' },
      }),
    );
    await page.goto('/alerts', { waitUntil: 'domcontentloaded' });
    await page.getByRole('alert').getByText('Refused for the test.').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'alerts-error');
    await page.unroute('**/api/v1/alerts?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await rowsOf(page).first().waitFor();
    await page.context().close();
  });
}
