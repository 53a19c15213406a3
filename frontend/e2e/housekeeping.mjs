// What clutters trust stores goes to quarantine and comes back; certificates for servers only; restarts that a job leaves.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { goto } from './pages.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

/** Agrees to the plan on screen, and waits for the end of its job. */
async function run(page) {
  const dialog = page.getByRole('dialog');
  const go = dialog.getByRole('button', { name: 'Run now' });
  await go.waitFor();
  for (const box of await dialog.getByRole('checkbox').all()) await box.check();
  const count = dialog.getByLabel(/^Type \d+ to confirm$/);
  if ((await count.count()) > 0) {
    const [number] = /\d+/.exec(await dialog.locator('.plan-typed label').innerText());
    await count.fill(number);
  }
  await settle(page);
  await checkAccessibility(page);
  await shoot(page, 'plan-run');
  await go.click();
  await page.waitForURL((url) => url.pathname.startsWith('/jobs/') && !url.search.includes('plan='));
  await page.getByText('Succeeded').first().waitFor({ timeout: 120_000 });
  return page.url().split('/').pop().split('?')[0];
}

export async function housekeeping(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  let victim;
  let jobId;

  await suite.test('clutter is found by its reason, told why, and taken out by a plan', async () => {
    const { items } = await stack.api('GET', '/trust-hygiene?reason=unused&limit=200');
    victim = items.find((item) => item.reasons.length === 1 && !item.identity && item.stores.length === 1);
    truth(victim, 'nothing is unused: the test shows nothing');
    await until(
      'the agent to say what it can',
      async () => (await stack.api('POST', '/plans', victim.plan)).target_count > 0,
      120,
    );
    await goto(page, '/trust-hygiene');
    await page.getByRole('combobox', { name: 'Reason', exact: true }).click();
    await page.getByRole('option', { name: 'Unused' }).click();
    await page.waitForURL(/reason=unused/);
    await page.keyboard.press('Escape');
    await until(
      'the rows of the reason',
      async () => (await page.locator('tbody tr[data-row]').count()) === items.length,
      20,
    );
    await page.getByRole('button', { name: victim.common_name, exact: true }).click();
    await page.locator('section.panel').getByText('It should not stay in trust stores').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'hygiene-panel');
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => !url.searchParams.has('cert'));
    await page.getByRole('checkbox', { name: `Select ${victim.common_name}`, exact: true }).check();
    const bar = page.getByRole('region', { name: 'What to do with the selection' });
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'hygiene-bulk');
    await bar.getByRole('button', { name: 'Delete from trust stores' }).click();
    jobId = await run(page);
    checkConsole(page);
  });

  await suite.test('what a job took is kept, and comes back by a plan', async () => {
    await page.getByText('What this job took from trust stores is kept.').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await page.getByRole('link', { name: 'Show in quarantine' }).click();
    await page.waitForURL((url) => url.pathname === '/quarantine' && url.searchParams.get('job') === jobId);
    const rows = page.locator('tbody tr[data-row]');
    await rows.first().waitFor();
    const kept = (await stack.api('GET', `/quarantine?job_id=${jobId}&limit=200`)).items;
    equal(await rows.count(), Math.min(50, kept.length), 'rows');
    await page.getByRole('checkbox', { name: 'Select the rows shown' }).check();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'quarantine-bulk');
    await page.getByRole('button', { name: `Restore to trust stores (${kept.length})` }).click();
    await run(page);
    await until(
      'the certificates to be back',
      async () =>
        (await stack.api('GET', `/quarantine?job_id=${jobId}&restored=true`)).items.length === kept.length,
      60,
    );
    await goto(page, `/quarantine?state=restored&job=${jobId}`);
    await rows.first().waitFor();
    equal(await rows.count(), Math.min(50, kept.length), 'rows that were put back');
    equal(await page.getByRole('checkbox').count(), 0, 'ways to choose what is back');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'quarantine-restored');
    checkConsole(page);
  });

  await suite.test(
    'certificates for servers only are listed with the way out, also after empty pages',
    async () => {
      const [installation] = (await stack.api('GET', '/installations?kind=identity&limit=1')).items;
      const row = {
        installation_id: installation.id,
        certificate_id: installation.certificate_id,
        common_name: installation.common_name,
        issuer: 'CN=Public Issuing CA,O=Public',
        purpose: installation.store,
        node: installation.node,
        cluster: installation.cluster,
        product: 'cucm',
        not_after: installation.not_after,
        extended_key_usage: ['serverAuth'],
        evidence: 'certain',
        message: 'have a CA sign it that adds clientAuth',
      };
      // The fleet of the lab has no certificate of a public CA.
      await page.route('**/api/v1/server-only-certificates?*', (route) =>
        route.fulfill({
          contentType: 'application/json',
          json: route.request().url().includes('cursor=') ? { items: [row] } : { items: [], next: 'more' },
        }),
      );
      await goto(page, '/server-only-certificates');
      await page.getByRole('link', { name: row.common_name, exact: true }).waitFor();
      await page
        .getByText(/adds clientAuth/)
        .first()
        .waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'server-only');
      await page.unroute('**/api/v1/server-only-certificates?*');
      checkConsole(page);
    },
  );
  await page.context().close();
}

export async function aftercare(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });

  await suite.test(
    'all restarts that a job leaves open are planned at once, and are done by their job',
    async () => {
      const { items } = await stack.api('GET', '/installations?kind=identity&store=tomcat&limit=200');
      const target = items.findLast((item) => item.csr == null && item.node.name !== stack.nodes[0].name);
      truth(target, 'every node has a CSR: the test shows nothing');
      const asked = await stack.api('POST', '/plans', { action: 'generate_csr', installations: [target.id] });
      await goto(page, `/jobs?plan=${asked.id}`);
      await run(page);
      const { csr } = await until('the CSR', async () => {
        const read = await stack.api('GET', `/installations/${target.id}`);
        return read.csr == null ? null : read;
      });
      const [request, answer] = ['restarts.csr', 'restarts.pem'].map((name) => join(stack.folder, name));
      writeFileSync(request, (await stack.api('GET', `/csrs/${csr.id}`)).pem);
      await stack.sign(request, answer, 'pem');
      const upload = await stack.api('POST', '/plans', {
        action: 'upload_certificate',
        csr_id: csr.id,
        certificate: readFileSync(answer, 'utf8'),
      });
      await goto(page, `/jobs?plan=${upload.id}`);
      const jobId = await run(page);
      const care = page.locator('.aftercare');
      await care.getByRole('button', { name: 'Restart all that is open …' }).click();
      await run(page);
      const lists = await until('the restarts', async () => {
        const { items: found } = await stack.api('GET', `/jobs/${jobId}/aftercare`);
        const restarts = found.flatMap((list) => list.items).filter((item) => item.service != null);
        return restarts.length > 0 && restarts.every((item) => item.state === 'done') ? restarts : null;
      });
      truth(
        lists.every((item) => item.by_job),
        'a restart that nobody made is done',
      );
      checkConsole(page);
    },
  );
  await page.context().close();
}
