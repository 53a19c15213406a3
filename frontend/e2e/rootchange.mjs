// A CA gets a new root: begun from the page of its certificate, blocked where it would be too early, distributed by a plan, and found.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { goto } from './pages.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

/** A root of a CA, as PEM. */
function makeRoot(stack, name) {
  const [key, file] = ['key', 'pem'].map((end) => join(stack.folder, `root-change.${end}`));
  const made = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    key,
    '-out',
    file,
  ];
  const wanted = ['-days', '7300', '-subj', `/CN=${name}/O=Holmgard Logistics`];
  const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  execFileSync('openssl', ['req', '-x509', ...made, ...wanted, ...usage], { stdio: 'ignore' });
  return file;
}

export async function rootChange(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const name = 'Holmgard Corporate Root CA G2';
  const file = makeRoot(stack, name);
  const cluster = stack.nodes[0].cluster;
  const form = page.getByRole('form', { name: 'Begin a root change' });
  const read = async () => {
    const { items } = await stack.api('GET', '/root-changes');
    return items.length === 0 ? undefined : stack.api('GET', `/root-changes/${items[0].id}`);
  };

  await suite.test('without root changes the list says what one is for', async () => {
    await goto(page, '/root-changes');
    await page.getByRole('heading', { name: 'No root changes yet' }).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'root-changes-empty');
    checkConsole(page);
  });

  await suite.test(
    'a root change is begun from the page of a CA certificate, and refused at its field',
    async () => {
      const { items } = await stack.api('GET', '/certificates?is_ca=true&search=Corporate%20Root');
      const old = items.find((item) => item.common_name === 'Holmgard Corporate Root CA');
      truth(old, 'the lab has no corporate root: the test shows nothing');
      await goto(page, `/certificates/${old.id}`);
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Change this root …' }).click();
      await page.waitForURL(/\/root-changes\/new/);
      const chosen = form.getByRole('combobox', { name: 'CA certificate that makes way' });
      await until(
        'the old root',
        async () => (await chosen.inputValue()) === 'Holmgard Corporate Root CA',
        20,
      );
      const clusters = form.getByRole('combobox', { name: 'Clusters' });
      await clusters.fill(cluster);
      await page.getByRole('option', { name: cluster, exact: true }).click();
      await page.keyboard.press('Escape');
      // The certificate itself takes nobody's place.
      const pem = await stack.api('GET', `/certificates/${old.id}.pem`);
      await form.locator('input[type="file"]').setInputFiles({
        name: 'old.pem',
        mimeType: 'application/x-pem-file',
        buffer: Buffer.from(pem),
      });
      await form.locator('.verdict').waitFor();
      await form.getByRole('button', { name: 'Begin a root change' }).click();
      await form.locator('.mantine-Input-error, .mantine-InputWrapper-error').first().waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'root-change-refused');
      await form.locator('input[type="file"]').setInputFiles({
        name: 'new.pem',
        mimeType: 'application/x-pem-file',
        buffer: readFileSync(file),
      });
      await form.locator('.verdict').getByText(name).waitFor();
      await form.getByRole('button', { name: 'Begin a root change' }).click();
      await page.waitForURL((url) => /^\/root-changes\/[0-9a-f-]{36}$/.test(url.pathname));
      page.problems.length = 0;
    },
  );

  await suite.test('what comes too early has to wait, and the page says for what', async () => {
    const now = await read();
    equal(now.next_action, 'distribute', 'the next action');
    const step = page.locator('.root-steps .step', { has: page.getByRole('heading', { name: /^Switch/ }) });
    await step.getByText('Has to wait').waitFor();
    await step.getByText(/not known to have the new certificate/).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'root-change-blocked');
    await step.getByRole('button', { name: 'Begin all the same: Switch …' }).click();
    const dialog = page.getByRole('dialog');
    const go = dialog.getByRole('button', { name: 'Preview the change' });
    truth(await go.isDisabled(), 'a phase begins too early without a reason');
    await dialog.getByLabel('Reason').fill('the node is about to go');
    truth(await go.isEnabled(), 'a reason does not count');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'root-change-override');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    checkConsole(page);
  });

  await suite.test('the new root is distributed by a plan, and its trust stores are covered', async () => {
    const { id } = await read();
    await page.getByRole('button', { name: 'Plan the distribution' }).click();
    const dialog = page.getByRole('dialog');
    const run = dialog.getByRole('button', { name: 'Run now' });
    await run.waitFor();
    for (const box of await dialog.getByRole('checkbox').all()) await box.check();
    await settle(page);
    await checkAccessibility(page);
    await run.click();
    await page.waitForURL((url) => url.pathname.startsWith('/jobs/'));
    await page.getByText('Succeeded').first().waitFor({ timeout: 60_000 });
    const { coverage } = await until(
      'the trust stores to be covered',
      async () => {
        const now = await read();
        return now.coverage.covered > 0 && now.coverage.missing + now.coverage.under_way === 0 ? now : null;
      },
      60,
    );
    await goto(page, `/root-changes/${id}?state=covered`);
    const rows = page.locator('tbody tr[data-row]');
    await rows.first().waitFor();
    equal(await rows.count(), Math.min(50, coverage.covered), 'rows that are covered');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'root-change-covered');
    await page.getByRole('tab', { name: 'Jobs' }).click();
    await page.getByRole('link', { name: 'Distribute to trust stores' }).waitFor();
    await page.getByRole('tab', { name: 'Identity certificates' }).click();
    await rows.first().waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'root-change-identities');
    checkConsole(page);
  });

  await suite.test('two edits at once are told apart, and a reason is needed to give up', async () => {
    const { id, name: called } = await read();
    await page.getByRole('button', { name: 'Edit root change' }).click();
    const edit = page.getByRole('form', { name: 'Edit root change' });
    await edit.getByLabel('Note').fill('mine');
    await stack.api('PATCH', `/root-changes/${id}`, { name: 'theirs' });
    await edit.getByRole('button', { name: 'Save' }).click();
    await edit.getByText('Somebody else has saved a change meanwhile').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await edit.getByRole('button', { name: 'Apply mine on top' }).click();
    await edit.waitFor({ state: 'detached' });
    const now = await read();
    equal([now.name, now.note].join(), 'theirs,mine', `both edits of ${called}`);
    await page.getByRole('button', { name: 'Give up this root change' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Give up this root change' });
    const act = dialog.getByRole('button', { name: 'Give up this root change' });
    truth(await act.isDisabled(), 'it is given up without a reason');
    await dialog.getByLabel('Reason').fill('the CA keeps its root');
    await settle(page);
    await checkAccessibility(page);
    await act.click();
    await page.getByText('the CA keeps its root').waitFor();
    equal((await read()).state, 'cancelled', 'state');
    await settle(page);
    await checkAccessibility(page);
    page.problems.length = 0;
  });
  await page.context().close();
}
