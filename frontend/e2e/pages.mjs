// The pages around the certificates: what the overview counts, the calendar, settings and messages, the palette, a certificate's own page.
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { all } from './alerts.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

const DAY_MS = 24 * 60 * 60 * 1000;
const dayOf = (time) => new Date(time).toISOString().slice(0, 10);
const rowsOf = (page) => page.locator('tbody tr[data-row]');

/** Opens an address, and waits for its page. */
export async function goto(page, address) {
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  await page.locator('h1').first().waitFor();
}

/** All installations that end on the days from today on. */
function endingWithin(stack, days) {
  const today = dayOf(Date.now());
  const end = dayOf(Date.parse(today) + days * DAY_MS);
  return all(stack, `/installations?not_after_from=${today}T00:00:00Z&not_after_until=${end}T00:00:00Z`);
}

export async function overview(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });

  await suite.test('each figure of the overview is the number of the rows that it leads to', async () => {
    const expired = await all(stack, '/alerts?status=expired');
    const week = await endingWithin(stack, 7);
    const month = await endingWithin(stack, 30);
    const csrs = await all(stack, '/csrs');
    truth(expired.length > 0 && month.length > 0, 'nothing burns: the test shows nothing');
    for (const [name, rows] of [
      ['Expired', expired],
      ['Next 7 days', week],
      ['Next 30 days', month],
      ['CSRs open', csrs],
    ]) {
      await goto(page, '/');
      const figure = page.locator('.kpi', { hasText: name });
      await figure.locator('strong').waitFor();
      await until(
        `the figure "${name}"`,
        async () => Number((await figure.locator('strong').innerText()).replace('+', '')) === rows.length,
        20,
      );
      await figure.click();
      await page.waitForURL((url) => url.pathname !== '/');
      if (rows.length === 0) continue;
      await rowsOf(page).first().waitFor();
      await until(
        `the rows of "${name}"`,
        async () => (await rowsOf(page).count()) === Math.min(50, rows.length),
        20,
      );
    }
    checkConsole(page);
  });

  await suite.test('the map has a square for each cluster, which leads to it', async () => {
    const clusters = await all(stack, '/clusters');
    await goto(page, '/');
    const squares = page.locator('.site a.heat');
    await until('the squares', async () => (await squares.count()) === clusters.length, 20);
    // One stop for Tab; the arrow keys go on.
    equal(await page.locator('.site a.heat[tabindex="0"]').count(), 1, 'squares that Tab stops at');
    await squares.first().focus();
    await page.keyboard.press('ArrowRight');
    const second = await squares.nth(1).getAttribute('data-square');
    equal(await page.evaluate(() => document.activeElement.dataset.square), second, 'focus on the map');
    const burning = clusters.find((item) => item.identity.expired + item.trust.expired > 0);
    truth(burning, 'no cluster burns: the test shows nothing');
    await page.getByRole('link', { name: new RegExp(`^${burning.name}: Expired`) }).click();
    await page.waitForURL((url) => url.pathname.startsWith(`/clusters/${burning.id}/`));
  });

  await suite.test('the weeks of the overview are the ends of their days', async () => {
    const week = await endingWithin(stack, 7);
    await goto(page, '/');
    const bar = page.locator('.week').first();
    await bar.waitFor();
    await until(
      'the first week',
      async () => Number((await bar.locator('.week-count').innerText()) || '0') === week.length,
      20,
    );
    await bar.click();
    await page.waitForURL((url) => url.pathname === '/calendar' && url.searchParams.has('until'));
  });

  await suite.test('an overview that cannot be read says why, and is read again on demand', async () => {
    await page.route('**/api/v1/overview', (route) =>
      route.fulfill({
        status: 422,
        contentType: 'application/problem+json',
        json: { status: 422, code: 'no_such_code', title: 'Refused', detail: 'Refused for the test.' },
      }),
    );
    await goto(page, '/');
    await page.getByRole('alert').getByText('Refused for the test.').waitFor();
    await checkAccessibility(page);
    await page.unroute('**/api/v1/overview');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.kpi').first().waitFor();
  });
  await page.context().close();
}

export async function calendar(suite, stack, browser, state) {
  await suite.test('a day of the calendar shows what ends on it, by keyboard', async () => {
    const page = await openPage(browser, stack.url, { state });
    const rows = await endingWithin(stack, 300);
    const future = rows.find((row) => row.not_after.slice(0, 10) > dayOf(Date.now()));
    truth(future, 'nothing ends: the test shows nothing');
    const day = future.not_after.slice(0, 10);
    const ofDay = rows.filter((row) => row.not_after.startsWith(day));
    await goto(page, `/calendar?month=${day.slice(0, 7)}`);
    const words = new Intl.DateTimeFormat('en', {
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      timeZone: 'UTC',
    }).format(new Date(`${day}T00:00:00Z`));
    const button = page.getByRole('button', { name: new RegExp(`^${words}: ${ofDay.length} certificate`) });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('from') === day);
    const wanted = ofDay
      .map((row) => row.id)
      .sort()
      .join();
    await until(
      'the rows of the day',
      async () =>
        (await rowsOf(page).evaluateAll((items) =>
          items
            .map((row) => row.dataset.row)
            .sort()
            .join(),
        )) === wanted,
      20,
    );
    await page.getByRole('button', { name: 'Next month' }).click();
    await page.waitForURL((url) => !url.searchParams.has('from'));
    checkConsole(page);
    await page.context().close();
  });

  await suite.test('a calendar to subscribe to is made, read by its address alone, and revoked', async () => {
    const page = await openPage(browser, stack.url, { state });
    await goto(page, '/calendar');
    await page.getByRole('button', { name: 'Subscribe' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('my phone');
    await checkAccessibility(page);
    await page.keyboard.press('Enter');
    const address = (await dialog.getByLabel('Address of the calendar').first().innerText()).trim();
    const read = await fetch(address.replace(new URL(address).origin, stack.url));
    equal(read.status, 200);
    const text = await read.text();
    truth(text.startsWith('BEGIN:VCALENDAR') && text.includes('BEGIN:VEVENT'), text.slice(0, 400));
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await dialog.getByRole('button', { name: 'Revoke my phone?' }).click();
    await shoot(page, 'calendar-feeds');
    await dialog.getByRole('button', { name: 'Revoke', exact: true }).click();
    await dialog.getByText('my phone').waitFor({ state: 'detached' });
    equal((await fetch(address.replace(new URL(address).origin, stack.url))).status, 401);
    checkConsole(page);
    await page.context().close();
  });
}

export async function notifications(suite, stack, browser, state, mail) {
  const page = await openPage(browser, stack.url, { state });

  await suite.test(
    'the mail server is entered, refused in place, saved, and tested with its own answer',
    async () => {
      // Nobody would be told: every page says so, and where it is mended.
      await goto(page, '/agents');
      const banner = page.locator('.banner-alarm');
      await banner.getByText('Nobody is told when certificates end').waitFor();
      await shoot(page, 'alerting-banner');
      await checkAccessibility(page);
      await banner.getByRole('link').click();
      await page.waitForURL('**/settings/notifications');
      await goto(page, '/settings/mail');
      await page.getByLabel('Host', { exact: true }).fill('127.0.0.1');
      await page.getByText('None', { exact: true }).click();
      await page.getByLabel('Port', { exact: true }).fill(String(mail.port));
      await page.getByLabel('Address', { exact: true }).fill('no address');
      await page.getByRole('checkbox', { name: 'I want to send without encryption' }).check();
      // The browser's own check would stand in the way of the server's.
      await page
        .locator('form')
        .first()
        .evaluate((form) => form.setAttribute('novalidate', ''));
      await page.getByRole('button', { name: 'Save' }).click();
      const field = page.locator('.mantine-TextInput-root', {
        has: page.getByLabel('Address', { exact: true }),
      });
      await field.getByText('Not an e-mail address').waitFor();
      equal(await field.locator('input').getAttribute('aria-invalid'), 'true', 'the wrong field');
      equal(await page.locator('[aria-invalid="true"]').count(), 1, 'fields that are wrong');
      await page.getByLabel('Address', { exact: true }).fill('certyard@example.org');
      await page.getByRole('button', { name: 'Save' }).click();
      const to = page.getByLabel('Send a test to');
      await to.waitFor();
      await to.fill('gone@example.org');
      mail.refused.add('gone@example.org');
      await page.getByRole('button', { name: 'Send test' }).click();
      await page.getByText('It failed at: the recipient').waitFor({ timeout: 60_000 });
      await page
        .getByText(/550 5\.1\.1/)
        .first()
        .waitFor();
      await to.fill('ops@example.org');
      await page.getByRole('button', { name: 'Send test' }).click();
      await page.getByText('The mail server took it').waitFor({ timeout: 60_000 });
      truth(
        mail.letters.some((letter) => letter.to.includes('ops@example.org')),
        'no test letter came',
      );
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'settings-mail-tested');
      checkConsole(page);
    },
  );

  await suite.test('recipients are pasted as a list, and a wrong one is named at its place', async () => {
    await goto(page, '/settings/notifications');
    const field = page.getByRole('textbox', { name: 'Recipients' });
    await field.focus();
    await page.keyboard.type('first@example.org,nobody');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Remove nobody' }).waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('nobody: Not an e-mail address').waitFor();
    await page.getByRole('button', { name: 'Remove first@example.org' }).click();
    await page.getByText('nobody: Not an e-mail address').waitFor();
    await checkAccessibility(page);
    await page.getByRole('button', { name: 'Remove nobody' }).click();
    await field.focus();
    await page.keyboard.type('ops@example.org,gone@example.org ');
    await page.getByLabel('First mail before the end').fill('90');
    await page.getByText('The first mail comes 90 days before the end, then one every 7 days').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await until('the stored settings', async () => {
      const stored = await stack.api('GET', '/settings/notifications');
      return stored.start_days === 90 && stored.recipients.join() === 'ops@example.org,gone@example.org';
    });
    const { subject } = await stack.api('GET', '/settings/notifications/preview');
    await until(
      'the preview by the new settings',
      async () => (await page.locator('.mail-subject').innerText()) === subject,
      20,
    );
    checkConsole(page);
  });

  await suite.test(
    'the ledger says who was told, what the mail server said, and whom it refused',
    async () => {
      await until(
        'both messages to come to their end',
        async () => {
          const { items } = await stack.api('GET', '/messages');
          return (
            items.some((item) => item.state === 'accepted') && items.some((item) => item.state === 'refused')
          );
        },
        150,
      );
      await goto(page, '/messages?state=refused');
      const refused = page.getByRole('button', { name: 'gone@example.org' });
      await refused.focus();
      await page.keyboard.press('Enter');
      const panel = page.locator('section.panel');
      await panel.getByText(/550 5\.1\.1/).waitFor();
      await panel.getByRole('button', { name: 'Send again' }).waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'message-refused');
      await page.keyboard.press('Escape');
      await page.waitForURL((url) => !url.searchParams.has('message'));
      checkConsole(page);
    },
  );

  await suite.test(
    'a suspended recipient is shown with the reason, and sent to again on demand',
    async () => {
      mail.refused.delete('gone@example.org');
      await goto(page, '/settings/notifications');
      await page.getByText(/550 5\.1\.1/).waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'settings-suspended');
      await page.getByRole('button', { name: 'Send again: gone@example.org' }).click();
      await until(
        'the end of the suspension',
        async () => (await stack.api('GET', '/settings/notifications')).suspended.length === 0,
      );
      await page.getByText(/550 5\.1\.1/).waitFor({ state: 'detached' });
      checkConsole(page);
    },
  );
  await page.context().close();
}

export async function palette(suite, stack, browser, state) {
  await suite.test('Ctrl K finds a cluster, a node and a certificate, and Enter goes there', async () => {
    const page = await openPage(browser, stack.url, { state });
    const [installation] = (await stack.api('GET', '/installations?kind=identity&limit=1')).items;
    const node = stack.nodes[0];
    const find = async (text, title) => {
      await page.keyboard.press('Control+k');
      const input = page.getByRole('combobox', { name: /^Find a page/ });
      await input.fill(text);
      const hit = page.getByRole('option', { name: title }).first();
      await hit.waitFor();
      return { input, hit };
    };
    await goto(page, '/jobs');
    const cluster = await find(node.cluster, new RegExp(node.cluster));
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'palette');
    equal(await cluster.hit.getAttribute('aria-selected'), 'true', 'the first hit');
    await cluster.input.press('Enter');
    await page.waitForURL(/\/clusters\/[^/]+\/identity/);
    const certificate = await find(installation.serial_hex, new RegExp(installation.serial_hex));
    await certificate.input.press('Enter');
    await page.waitForURL((url) => url.pathname === `/certificates/${installation.certificate_id}`);
    const { items: clusters } = await stack.api('GET', '/clusters?limit=200');
    const home = clusters.find((item) => item.name === node.cluster);
    const found = await find(node.name, new RegExp(`${node.name}.*${node.cluster}`));
    await found.hit.click();
    await page.waitForURL(
      (url) => url.pathname === `/clusters/${home.id}/identity` && url.searchParams.get('q') === node.name,
    );
    await rowsOf(page).first().waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: /^Find a page/ }).fill('Audit');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/audit');
    checkConsole(page);
    await page.context().close();
  });
}

export async function certificatePage(suite, stack, browser, state) {
  await suite.test(
    'the page of a certificate tells what happened to it, who did it, and who was told',
    async () => {
      const page = await openPage(browser, stack.url, { state });
      const { items } = await stack.api('GET', '/messages?state=accepted');
      const { alerts } = await stack.api('GET', `/messages/${items[0].id}`);
      const told = alerts.find((alert) => alert.told);
      truth(told, 'nobody was told of anything');
      await goto(page, `/certificates/${told.certificate_id}`);
      const timeline = page.locator('.timeline');
      await timeline.getByText('First seen by Certyard').waitFor();
      await timeline.getByText('Installed').first().waitFor();
      await timeline.getByText(`${items[0].recipient} was to be told`).first().waitFor();
      const holders = await all(stack, `/certificates/${told.certificate_id}/clusters`);
      await until(
        'the clusters',
        async () => (await page.locator('.holders li').count()) === holders.length,
        20,
      );
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'certificate-page');
      checkConsole(page);
      await page.context().close();
    },
  );

  await suite.test('the menu of a row says what cannot be done and why, and opens a preview', async () => {
    const page = await openPage(browser, stack.url, { state });
    const rows = await all(stack, '/installations?kind=identity');
    const mayRefresh = (item) => item.actions.some(({ action, allowed }) => action === 'refresh' && allowed);
    const cannot = (item) => item.actions.find(({ action, allowed }) => action === 'delete_csr' && !allowed);
    const row = rows.find((item) => mayRefresh(item) && cannot(item));
    truth(row, 'no row can be refreshed and has no CSR');
    await goto(page, `/clusters/${row.cluster.id}/identity?q=${row.node.name}`);
    const menu = page.getByRole('button', {
      name: `Actions for ${row.store}, ${row.node.name}`,
      exact: true,
    });
    await menu.focus();
    await page.keyboard.press('Enter');
    const refused = page.getByRole('menuitem', { name: 'Delete CSR' });
    await refused.getByText(cannot(row).reason).waitFor();
    truth(await refused.isDisabled(), 'what cannot be done can be chosen');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'row-menu');
    await page.getByRole('menuitem', { name: 'Refresh inventory' }).click();
    await page.waitForURL((url) => url.searchParams.has('plan'));
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    // The first use of the menu, and the dialog that it opened, both give the focus back to its button.
    const label = await menu.getAttribute('aria-label');
    await until(
      'the focus on the button of the menu',
      async () => (await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))) === label,
      10,
    );
    checkConsole(page);
    await page.context().close();
  });
}
