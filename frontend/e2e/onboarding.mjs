// From an empty server to the first certificates, by the pages.
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { OWNER } from './stack.mjs';
import { equal, truth } from './suite.mjs';

export async function onboarding(suite, stack, browser) {
  const page = await openPage(browser, stack.url);
  let signedUp = false;

  await suite.test('a new server leads to the set-up', async () => {
    await page.goto('/jobs');
    await page.waitForURL('**/setup');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'setup-light');
  });

  await suite.test('a wrong set-up code is refused with its reason', async () => {
    await fillSetup(page, 'AAAA-AAAA-AAAA-AAAA');
    await page.getByRole('alert').first().waitFor();
  });

  signedUp = await suite.test('the set-up code makes the first owner, who is signed in', async () => {
    await fillSetup(page, stack.setupCode);
    await page.waitForURL('**/clusters');
    await page.getByRole('heading', { name: 'Three steps to your first certificates' }).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'onboarding-light');
  });
  if (!signedUp) return null;

  await suite.test('a cluster is added by the page', async () => {
    await page.getByRole('button', { name: 'Add cluster' }).last().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('edge <img src=x onerror=alert(1)>');
    await dialog.getByRole('button', { name: 'Add cluster' }).click();
    await page.waitForURL(/\/nodes\?do=add$/);
    await page.getByRole('dialog', { name: 'Add node' }).getByLabel('Name').waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => url.pathname.endsWith('/nodes') && url.search === '');
    equal(
      await page
        .locator('h1')
        .innerText()
        .then((text) => text.includes('<img src=x')),
      true,
      'name as text',
    );
  });

  await suite.test('the command that joins an agent is shown once and works', async () => {
    await page.goto('/agents');
    await page.getByRole('button', { name: 'Join an agent' }).click();
    await page.getByRole('button', { name: 'Create join token' }).click();
    const command = await page.locator('.command pre').innerText();
    await shoot(page, 'join-light');
    const token = /cyj_[^\s'"]+/.exec(command)?.[0];
    truth(token, `no token in the command: ${command}`);
    await stack.signIn();
    await stack.joinAgent(token);
    stack.startAgent();
    await page.goto('/agents');
    await page.getByText('agent-north').waitFor();
  });

  await suite.test('nodes of the lab are read within minutes', async () => {
    await stack.addNodes();
    await stack.waitForInventory();
    await page.goto('/clusters');
    await page.getByRole('link', { name: stack.nodes[0].cluster, exact: true }).waitFor();
  });

  await suite.test('nothing was written to the console on the way', async () => checkConsole(page));
  const state = await page.context().storageState();
  await page.context().close();
  return state;
}

async function fillSetup(page, code) {
  await page.getByLabel('Set-up code').fill(code);
  await page.getByLabel('Organisation').fill(OWNER.organisation);
  await page.getByLabel('Your name').fill(OWNER.name);
  await page.getByLabel('E-mail address').fill(OWNER.email);
  await page.locator('input[name="password"]').fill(OWNER.password);
  await page.getByRole('button', { name: 'Create the account' }).click();
}
