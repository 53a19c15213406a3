// Agents: one is let in, locked out, let in again and retired; join tokens are made and revoked.
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { goto } from './pages.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

const NAME = 'agent-spare';

export async function agents(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const panel = page.locator('section.panel');
  const spare = async () => {
    const { items } = await stack.api(
      'GET',
      '/agents?status=online&status=offline&status=banned&status=retired',
    );
    return items.find((agent) => agent.name === NAME);
  };

  await suite.test('a join token is made with a name and two uses, and lets an agent in', async () => {
    await goto(page, '/agents');
    await page.getByRole('link', { name: 'Join tokens' }).click();
    await page.getByRole('button', { name: 'New join token' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('spare rack');
    await dialog.getByLabel('Agents that may join').fill('2');
    await dialog.getByRole('button', { name: 'Create join token' }).click();
    const command = await dialog.locator('.command pre').innerText();
    await settle(page);
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await stack.join(/cyj_[^\s'"]+/.exec(command)[0], NAME, 'agent-spare');
    const row = page.getByRole('row', { name: /spare rack/ });
    await row.getByText('Usable').waitFor();
    await row.getByRole('cell', { name: '1', exact: true }).waitFor();
    checkConsole(page);
  });

  await suite.test('a revoked join token lets nobody in', async () => {
    await page.getByRole('button', { name: 'Actions for spare rack' }).click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/Agents that have joined stay/).waitFor();
    await dialog.getByRole('button', { name: 'Revoke' }).click();
    await page
      .getByRole('row', { name: /spare rack/ })
      .getByText('Revoked')
      .waitFor();
    truth(await spare(), 'the agent that had joined is gone');
    checkConsole(page);
  });

  await suite.test('an agent is banned with a reason, which its panel tells, and let in again', async () => {
    await goto(page, '/agents');
    const opener = page.getByRole('button', { name: NAME, exact: true });
    await opener.focus();
    await page.keyboard.press('Enter');
    await panel.getByRole('heading', { name: NAME }).waitFor();
    await panel.getByText('It works for no node.').waitFor();
    await panel.getByRole('button', { name: 'Ban' }).click();
    const dialog = page.getByRole('dialog', { name: `Ban ${NAME}?` });
    await dialog.getByText('You can let it in again.').waitFor();
    await dialog.getByLabel('Why').fill('its host was stolen');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'agent-ban');
    await dialog.getByRole('button', { name: 'Ban' }).click();
    await panel.getByText('its host was stolen').waitFor();
    equal((await spare()).status, 'banned', 'status');
    await settle(page);
    await checkAccessibility(page);
    await panel.getByRole('button', { name: 'Let in again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Let in again' }).click();
    await panel.getByText('its host was stolen').waitFor({ state: 'detached' });
    truth((await spare()).status !== 'banned', 'still banned');
    checkConsole(page);
  });

  await suite.test('an agent is retired after it was said what that means, and leaves the list', async () => {
    await panel.getByRole('button', { name: 'Retire' }).click();
    const dialog = page.getByRole('dialog', { name: `Retire ${NAME} for good?` });
    await dialog.getByText(/This cannot be undone/).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'agent-retire');
    await dialog.getByRole('button', { name: 'Retire' }).click();
    await until('the end of the agent', async () => (await spare()).status === 'retired');
    await page.waitForURL((url) => !url.searchParams.has('agent'));
    await page.getByRole('button', { name: NAME, exact: true }).waitFor({ state: 'detached' });
    await goto(page, '/agents?status=retired');
    await page.getByRole('button', { name: NAME, exact: true }).click();
    await panel.getByRole('heading', { name: NAME }).waitFor();
    equal(await panel.getByRole('button', { name: 'Retire' }).count(), 0, 'ways to retire it again');
    checkConsole(page);
  });

  await suite.test('the panel of an agent names the nodes that it works for', async () => {
    const agent = (await stack.api('GET', '/agents')).items.find((item) => item.name === 'agent-north');
    await goto(page, `/agents?agent=${agent.id}`);
    await panel.locator('.holders li').first().waitFor();
    equal(await panel.locator('.holders li').count(), Math.min(50, agent.node_count), 'nodes');
    await panel.getByRole('button', { name: 'Retire' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(new RegExp(`^${agent.node_count} nodes are not read`)).waitFor();
    await dialog.getByText(/wait until their deadline/).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    checkConsole(page);
  });
  await page.context().close();
}
