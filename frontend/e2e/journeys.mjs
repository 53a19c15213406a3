// What people do: sign in, walk by keyboard, and bring a new certificate onto a node.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { OWNER, until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

async function clusterOf(stack) {
  const { items } = await stack.api('GET', '/clusters?limit=200');
  return items.find((cluster) => cluster.name === stack.nodes[0].cluster);
}

export async function signIn(suite, stack, browser) {
  await suite.test('signing in leads back to the view that was asked for', async () => {
    const page = await openPage(browser, stack.url);
    await page.goto('/jobs?state=failed');
    await page.waitForURL(/\/sign-in\?to=/);
    await page.getByLabel('E-mail address').fill(OWNER.email);
    await page.locator('input[name="password"]').fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await shoot(page, 'sign-in-refused');
    await checkAccessibility(page);
    await page.locator('input[name="password"]').fill(OWNER.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(/\/jobs\?state=failed$/);
    await page.getByRole('button', { name: /Account/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.waitForURL(/\/sign-in/);
    await page.goto('/jobs');
    await page.waitForURL(/\/sign-in\?to=/);
    checkConsole(page);
    await page.context().close();
  });
}

export async function keyboard(suite, stack, browser, state) {
  const cluster = await clusterOf(stack);
  const page = await openPage(browser, stack.url, { state });
  const openList = async () => {
    await page.goto(`/clusters/${cluster.id}/identity`, { waitUntil: 'domcontentloaded' });
    await page.locator('tbody tr[data-row]').first().waitFor();
  };

  await suite.test('the first Tab offers to skip to the content', async () => {
    await openList();
    await page.keyboard.press('Tab');
    equal(await page.evaluate(() => document.activeElement.className), 'skip-link', 'focus');
  });

  await suite.test('J and K walk the rows, Esc gives the focus back to the row', async () => {
    await openList();
    const rows = await page
      .locator('tbody tr[data-row]')
      .evaluateAll((items) => items.map((row) => row.dataset.row));
    await page.keyboard.press('j');
    await page.waitForURL(new RegExp(`cert=${rows[0]}`));
    await page.keyboard.press('j');
    await page.waitForURL(new RegExp(`cert=${rows[1]}`));
    await page.keyboard.press('k');
    await page.waitForURL(new RegExp(`cert=${rows[0]}`));
    await page.locator('section.panel h2').waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => !url.search.includes('cert='));
    await page.waitForFunction((row) => document.activeElement?.closest('tr')?.dataset.row === row, rows[0]);
  });

  await suite.test('a slash goes to the search, which narrows list and address', async () => {
    await openList();
    await page.keyboard.press('/');
    equal(await page.evaluate(() => document.activeElement.type), 'search', 'focus');
    await page.keyboard.type('no-such-certificate');
    await page.waitForURL(/q=no-such-certificate/);
    await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('tbody tr[data-row]').first().waitFor();
  });

  await suite.test('rows are chosen by keys, and all that match by their filter', async () => {
    await openList();
    const sent = (action) =>
      page.waitForRequest(
        (request) => request.url().endsWith('/api/v1/plans') && request.postDataJSON().action === action,
      );
    await page.keyboard.press('j');
    await page.waitForURL(/cert=/);
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    const bar = page.getByRole('region', { name: 'What to do with the selection' });
    await bar.getByText('2 selected').waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => !url.search.includes('cert='));
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'bulk');
    await bar.getByRole('button', { name: 'Actions' }).click();
    const [two] = await Promise.all([
      sent('refresh'),
      page.getByRole('menuitem', { name: 'Refresh inventory (2)' }).click(),
    ]);
    equal(two.postDataJSON().installations.length, 2, 'installations of the plan');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await bar.getByRole('button', { name: /^Select all \d+ that match$/ }).click();
    await bar.getByText('All that match are selected').waitFor();
    await bar.getByRole('button', { name: 'Actions' }).click();
    const [every] = await Promise.all([
      sent('refresh'),
      page.getByRole('menuitem', { name: 'Refresh inventory', exact: true }).click(),
    ]);
    equal(every.postDataJSON().filter.cluster_ids.join(), cluster.id, 'filter of the plan');
    equal(every.postDataJSON().installations ?? null, null, 'installations beside the filter');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  });

  await suite.test('to take many away asks for their number', async () => {
    await page.goto(`/clusters/${cluster.id}/trust?status=expired`, { waitUntil: 'domcontentloaded' });
    await page.locator('tbody tr[data-row]').first().waitFor();
    let asked;
    await page.route('**/api/v1/plans', async (route) => {
      asked = route.request().postDataJSON();
      // The agent of the lab takes nothing away: what a plan of many places looks like comes from another action.
      const body = { action: 'refresh', filter: { cluster_ids: asked.filter.cluster_ids } };
      const response = await route.fetch({ postData: JSON.stringify(body) });
      await route.fulfill({ response, json: { ...(await response.json()), action: 'delete' } });
    });
    await page.getByRole('checkbox', { name: 'Select the rows shown' }).check();
    const rows = await page.locator('tbody tr[data-row]').count();
    await page.getByRole('button', { name: 'Delete from trust stores' }).click();
    const dialog = page.getByRole('dialog');
    const field = dialog.getByRole('textbox', { name: /^Type \d+ to confirm$/ });
    await field.waitFor();
    equal(asked.action, 'delete', 'action');
    equal(asked.certificate_ids.length, rows, 'certificates to take away');
    const count = /\d+/.exec(await dialog.locator('.plan-typed label').innerText())[0];
    for (const box of await dialog.getByRole('checkbox').all()) await box.check();
    const run = dialog.getByRole('button', { name: 'Run now' });
    truth(await run.isDisabled(), 'it runs without its number');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'plan-typed');
    await field.fill(count);
    truth(await run.isEnabled(), 'its number does not let it run');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.unroute('**/api/v1/plans');
    checkConsole(page);
  });

  await suite.test('a question mark shows the keys', async () => {
    await openList();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await checkAccessibility(page);
    await shoot(page, 'keys');
    checkConsole(page);
  });
  await page.context().close();
}

export async function injection(suite, stack, browser, state) {
  await suite.test('a certificate whose names are HTML is shown as text', async () => {
    const key = join(stack.folder, 'html.key');
    const file = join(stack.folder, 'html.pem');
    const name = '<img src=x onerror=alert(1)>';
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '30',
        '-keyout',
        key,
        '-out',
        file,
        '-subj',
        `/CN=${name}/O=<script>alert(2)<\\/script>`,
      ],
      { stdio: 'ignore' },
    );
    const form = new FormData();
    form.append('file', new Blob([readFileSync(file)]), 'html.pem');
    const answer = await fetch(`${stack.url}/api/v1/certificates/import`, {
      method: 'POST',
      headers: { 'X-Certyard-CSRF': '1', cookie: stack.cookie, origin: stack.url },
      body: form,
    });
    const { certificates } = await answer.json();
    const cluster = await clusterOf(stack);
    const page = await openPage(browser, stack.url, { state });
    let alerted = false;
    page.on('dialog', (dialog) => {
      alerted = true;
      void dialog.dismiss();
    });
    await page.goto(`/clusters/${cluster.id}/trust?cert=${certificates[0].id}`, {
      waitUntil: 'domcontentloaded',
    });
    await page.getByRole('heading', { name }).waitFor();
    await settle(page);
    equal(await page.locator('main img').count(), 0, 'images made by names');
    truth(!alerted, 'a name ran as a script');
    await shoot(page, 'html-names');
    checkConsole(page);
    await page.context().close();
  });
}

/** CSR → sign → upload → plan → job → installed → restarted → served, on one node of the lab. */
export async function certificate(suite, stack, browser, state) {
  const cluster = await clusterOf(stack);
  const node = stack.nodes.find((item) => item.cluster === cluster.name);
  const { items } = await stack.api(
    'GET',
    `/clusters/${cluster.id}/identity-certificates?store=tomcat&limit=200`,
  );
  const installation = items.find((item) => item.node.name === node.name);
  const page = await openPage(browser, stack.url, { state });
  const panel = `/clusters/${cluster.id}/identity?cert=${installation.id}`;
  const fresh = () => stack.api('GET', `/installations/${installation.id}`);

  await suite.test('the node makes a CSR, through a plan that says what it does', async () => {
    await page.goto(`${panel}&do=csr`, { waitUntil: 'domcontentloaded' });
    await page.getByRole('button', { name: 'Preview the change' }).click();
    await agreeAndRun(page, 'plan-csr');
    await page.getByRole('heading', { level: 1, name: /Generate CSR/ }).waitFor();
    await page.getByText('Succeeded').first().waitFor({ timeout: 90_000 });
    await shoot(page, 'job-csr');
  });

  const signed = join(stack.folder, 'signed.p7b');
  await suite.test('the CSR is downloaded, and an outside CA signs it', async () => {
    await until('the CSR in the inventory', async () => (await fresh()).csr);
    await page.goto(`${panel}&do=csr`, { waitUntil: 'domcontentloaded' });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download CSR' }).click(),
    ]);
    const csr = join(stack.folder, 'node.csr');
    await download.saveAs(csr);
    truth(readFileSync(csr, 'utf8').includes('BEGIN CERTIFICATE REQUEST'), 'not a CSR');
    await stack.sign(csr, signed);
  });

  await suite.test('a private key is refused before anything is sent to a node', async () => {
    const key = join(stack.folder, 'stray.key');
    execFileSync('openssl', ['genrsa', '-out', key, '2048'], { stdio: 'ignore' });
    await page.setInputFiles('input[type=file]', key);
    await page.getByRole('alert').waitFor();
    await shoot(page, 'upload-refused');
  });

  await suite.test('an answer to another CSR is marked before anybody is asked', async () => {
    const stray = join(stack.folder, 'stray.pem');
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(stack.folder, 'stray-answer.key')];
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', '/CN=stray', '-out', stray], {
      stdio: 'ignore',
    });
    await page.setInputFiles('input[type=file]', stray);
    await page.getByRole('alert').getByText('The certificate is for another key than the CSR').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'upload-mismatch');
  });

  await suite.test('the answer is dropped on the panel, read by the server, and previewed', async () => {
    await dropFile(page, 'section.panel', signed, 'signed.p7b');
    await page.getByText(/signed\.p7b · \d certificates?/).waitFor();
    equal(await page.locator('section.panel [role=alert]').count(), 0, 'marks on the right answer');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'upload-verdict');
    await page.getByRole('button', { name: 'Preview the change' }).click();
    await page.getByRole('dialog').getByText(node.name).first().waitFor();
    await settle(page);
    await checkAccessibility(page);
  });

  await suite.test('the job runs live to its end', async () => {
    await agreeAndRun(page, 'plan-upload');
    await page.getByRole('heading', { level: 1, name: /Upload certificate/ }).waitFor();
    await shoot(page, 'job-live');
    await page.getByText('Succeeded').first().waitFor({ timeout: 90_000 });
    await settle(page);
    await checkAccessibility(page);
    const care = page.locator('.aftercare');
    await care.getByRole('heading', { name: 'What is left to do' }).waitFor();
    const item = care.locator('.aftercare-item.is-open').first();
    const words = await item.locator('[lang=en]').textContent();
    await item.getByRole('textbox').fill('change 4711');
    await item.getByRole('button', { name: `Done: ${words}` }).click();
    const id = page.url().split('/').pop().split('?')[0];
    const said = await until('the confirmation', async () => {
      const { items: lists } = await stack.api('GET', `/jobs/${id}/aftercare`);
      const found = lists.flatMap((list) => list.items).find((one) => one.text === words);
      return found?.state === 'done' ? found : null;
    });
    equal(said.note, 'change 4711', 'the note');
    equal(said.by, OWNER.name, 'who said so');
    await care.getByText('change 4711').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'job-done');
  });

  await suite.test('the new certificate is installed, and says that a restart is pending', async () => {
    const now = await until('the new installation', async () => {
      const read = await fresh();
      return read.sha256 !== installation.sha256 ? read : null;
    });
    equal(now.served.state, 'restart_pending', 'served');
    await page.goto(panel, { waitUntil: 'domcontentloaded' });
    await page.locator('.clocks').getByText('Restart pending').waitFor();
    await settle(page);
    await shoot(page, 'installed-restart-pending');
  });

  await suite.test('after the restart the page says that it is in use', async () => {
    await stack.restart(node.name);
    await page.getByRole('button', { name: 'Read again' }).click();
    await page.getByRole('link', { name: 'The node is being read' }).waitFor();
    await until('the served certificate', async () => (await fresh()).served.state === 'served', 90);
    await page.goto(panel, { waitUntil: 'domcontentloaded' });
    await page.locator('.clock:not(.is-warning):not(.is-muted)').nth(2).waitFor();
    await settle(page);
    await shoot(page, 'served');
    checkConsole(page);
  });
  await page.context().close();
}

async function agreeAndRun(page, picture) {
  const dialog = page.getByRole('dialog');
  const run = dialog.getByRole('button', { name: 'Run now' });
  await run.waitFor();
  for (const box of await dialog.getByRole('checkbox').all()) await box.check();
  await shoot(page, picture);
  await run.click();
  await page.waitForURL('**/jobs/*');
}

/** Drops a file as a hand would: there is no other way in a headless browser than events with data of their own. */
async function dropFile(page, selector, path, name) {
  const bytes = [...readFileSync(path)];
  const data = await page.evaluateHandle(
    ([content, fileName]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(content)], fileName));
      return transfer;
    },
    [bytes, name],
  );
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent(selector, kind, { dataTransfer: data });
  }
}
