// What happens while somebody looks: the fleet moves, a node fails, the connection is lost, the server is updated.
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

/** Installations of `tomcat` without a CSR, one of each cluster and none of the node that the other journeys use. */
async function idle(stack) {
  const { items: clusters } = await stack.api('GET', '/clusters?limit=200');
  const found = [];
  for (const cluster of clusters) {
    const path = `/clusters/${cluster.id}/identity-certificates?store=tomcat&limit=200`;
    const { items } = await stack.api('GET', path);
    const free = items.filter((item) => item.csr == null && item.node.name !== stack.nodes[0].name);
    if (free.length > 0) found.push(free[0]);
  }
  return found;
}

const csrPlan = (stack, installations) =>
  stack.api('POST', '/plans', {
    action: 'generate_csr',
    installations: installations.map((installation) => installation.id),
  });

/** Runs a plan without the pages, to its end. */
async function runPlan(stack, plan) {
  const consent = plan.warnings.filter((warning) => warning.consent).map((warning) => warning.code);
  const { id } = await stack.api('POST', '/jobs', { plan_id: plan.id, consent });
  await until('the end of a job', async () => (await stack.api('GET', `/jobs/${id}`)).finished_at, 90);
}

/** The preview of a plan, over the list of jobs. */
async function openPlan(page, plan) {
  await page.goto(`/jobs?plan=${plan.id}`, { waitUntil: 'domcontentloaded' });
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Run now' }).waitFor();
  for (const box of await dialog.getByRole('checkbox').all()) await box.check();
  return dialog;
}

export async function changedPlan(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const [moves, stays] = await idle(stack);
  let plan;

  await suite.test('a plan whose node moved meanwhile says what is different, and nothing runs', async () => {
    plan = await csrPlan(stack, [moves, stays]);
    await runPlan(stack, await csrPlan(stack, [moves]));
    await until(
      'the CSR in the inventory',
      async () => (await stack.api('GET', `/installations/${moves.id}`)).csr,
    );
    const { items: before } = await stack.api('GET', '/jobs');
    const dialog = await openPlan(page, plan);
    await dialog.getByRole('button', { name: 'Run now' }).click();
    const note = dialog.getByRole('alert');
    await note.getByText('Something changed since this preview was made').waitFor();
    const changes = await note.getByRole('listitem').allInnerTexts();
    equal(changes.length, 1, 'differences');
    truth(changes[0].startsWith(`${moves.node.name} · tomcat · `), changes[0]);
    truth(await dialog.getByRole('button', { name: 'Run now' }).isDisabled(), 'the old plan can be run');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'plan-changed');
    const { items: after } = await stack.api('GET', '/jobs');
    equal(after.length, before.length, 'jobs');
  });

  await suite.test('going back from a plan that moved leaves everything as it is', async () => {
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.waitForURL((url) => url.pathname === '/jobs' && !url.search.includes('plan='));
    equal((await stack.api('GET', `/installations/${stays.id}`)).csr ?? null, null, 'CSR of the other node');
  });

  await suite.test('what moved can be left out, and the rest runs', async () => {
    const dialog = await openPlan(page, plan);
    await dialog.getByRole('button', { name: 'Run now' }).click();
    await dialog.getByRole('button', { name: 'Run without the changed nodes' }).click();
    await page.waitForURL('**/jobs/*');
    await page.getByText('Succeeded').first().waitFor({ timeout: 90_000 });
    const job = await stack.api('GET', `/jobs/${page.url().split('/').pop()}`);
    equal(job.total, 1, 'nodes of the job');
    await until('its CSR', async () => (await stack.api('GET', `/installations/${stays.id}`)).csr);
    checkConsole(page);
  });
  await page.context().close();
}

export async function retriedJob(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const [installation] = await idle(stack);

  await suite.test('a job that failed on a node is tried again from its page', async () => {
    await stack.fault(installation.node.name, 'csr-generate:400');
    const dialog = await openPlan(page, await csrPlan(stack, [installation]));
    await dialog.getByRole('button', { name: 'Run now' }).click();
    await page.waitForURL('**/jobs/*');
    const failed = page.url();
    const again = page.getByRole('button', { name: 'Retry 1 failed node' });
    await again.waitFor({ timeout: 90_000 });
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'job-failed');
    await stack.fault(installation.node.name, 'none');
    await again.click();
    await page.waitForURL((url) => url.pathname.startsWith('/jobs/') && url.href !== failed);
    await page.getByText('Succeeded').first().waitFor({ timeout: 90_000 });
    const job = await stack.api('GET', `/jobs/${page.url().split('/').pop()}`);
    equal(job.retry_of, failed.split('/').pop(), 'the job before');
    equal(await page.getByRole('button', { name: /^Retry/ }).count(), 0, 'buttons to retry what succeeded');
    checkConsole(page);
  });
  await page.context().close();
}

export async function liveJob(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const live = page.locator('.live.is-live');
  const { items: nodes } = await stack.api('GET', '/nodes?limit=1');
  stack.holdAgent(true);
  const plan = await stack.api('POST', '/plans', { action: 'refresh', nodes: [nodes[0].id] });
  const job = await stack.api('POST', '/jobs', { plan_id: plan.id });

  await suite.test('a job goes on live after a reload', async () => {
    await page.goto(`/jobs/${job.id}`, { waitUntil: 'domcontentloaded' });
    await live.waitFor();
    await page.reload({ waitUntil: 'domcontentloaded' });
    await live.waitFor();
    await page.getByText('0 of 1').first().waitFor();
  });

  await suite.test(
    'after a lost connection the stream resumes where it was, and the job is seen to its end',
    async () => {
      await stack.stopServer();
      await page.locator('.live:not(.is-live)').waitFor();
      await page.locator('.banner-offline').waitFor();
      await shoot(page, 'job-offline');
      const resumed = page.waitForRequest(
        (request) => request.url().endsWith('/events') && request.headers()['last-event-id'] !== undefined,
        { timeout: 60_000 },
      );
      await stack.serve();
      const from = Number((await resumed).headers()['last-event-id']);
      truth(from >= 1, `resumed from ${from}`);
      await live.waitFor({ timeout: 60_000 });
      await page.locator('.banner-offline').waitFor({ state: 'detached', timeout: 90_000 });
      stack.holdAgent(false);
      await page.getByText('Succeeded').first().waitFor({ timeout: 120_000 });
      checkConsole(page);
    },
  );
  stack.holdAgent(false);
  await page.context().close();
}

export async function newVersion(suite, stack, browser, state) {
  await suite.test('pages that are older than their server offer to be loaded anew', async () => {
    const page = await openPage(browser, stack.url, { state });
    await page.goto('/clusters', { waitUntil: 'domcontentloaded' });
    await page.locator('tbody tr[data-row]').first().waitFor();
    equal(await page.locator('.banner-notice').count(), 0, 'banners of pages that fit');
    await page.route('**/api/v1/clusters?*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), 'x-certyard-version': '9.9.9' } });
    });
    const banner = page.locator('.banner-notice');
    await banner.getByText('9.9.9').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'new-version');
    await page.unroute('**/api/v1/clusters?*');
    await Promise.all([
      page.waitForEvent('domcontentloaded'),
      banner.getByRole('button', { name: 'Reload' }).click(),
    ]);
    await page.locator('tbody tr[data-row]').first().waitFor();
    equal(await banner.count(), 0, 'banners after the reload');
    checkConsole(page);
    await page.context().close();
  });
}

export async function order(suite, stack, browser, state) {
  await suite.test('certificates are ordered from the header, and the address keeps the order', async () => {
    const page = await openPage(browser, stack.url, { state });
    const { items } = await stack.api('GET', '/clusters?limit=200');
    const cluster = items.find((item) => item.name === stack.nodes[0].cluster);
    await page.goto(`/clusters/${cluster.id}/identity`, { waitUntil: 'domcontentloaded' });
    const shown = () =>
      page.locator('tbody tr[data-row]').evaluateAll((rows) => rows.map((row) => row.dataset.row).join());
    const wanted = async (sort) => {
      const path = `/clusters/${cluster.id}/identity-certificates?sort=${sort}&limit=50`;
      const { items: rows } = await stack.api('GET', path);
      return rows.map((row) => row.id).join();
    };
    const [byEnd, byName] = [await wanted('not_after'), await wanted('common_name')];
    truth(byEnd !== byName, 'both orders are the same: the test shows nothing');
    const header = (name) => page.getByRole('columnheader', { name });
    await until('the order by end', async () => (await shown()) === byEnd, 20);
    equal(await header('Expires').getAttribute('aria-sort'), 'ascending', 'order by end');
    equal(await header('Certificate').getAttribute('aria-sort'), 'none', 'order by name');
    equal(await header('Node').getAttribute('aria-sort'), null, 'a column without an order');
    await header('Certificate').getByRole('button').click();
    await page.waitForURL(/sort=common_name/);
    await until('the order by name', async () => (await shown()) === byName, 20);
    equal(await header('Certificate').getAttribute('aria-sort'), 'ascending', 'order by name');
    await page.reload({ waitUntil: 'domcontentloaded' });
    await until('the order by name after a reload', async () => (await shown()) === byName, 20);
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'ordered');
    checkConsole(page);
    await page.context().close();
  });
}
