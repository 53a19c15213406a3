// Channels: made, tried out, changed and deleted by the pages, against a receiver of our own.
import { createHmac } from 'node:crypto';
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { goto } from './pages.mjs';
import { Receiver } from './receiver.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

export async function channels(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const receiver = new Receiver();
  await receiver.start();
  const menu = async (item) => {
    await page.getByRole('button', { name: 'Actions for Operations' }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
    return page.getByRole('dialog');
  };
  const stored = async () =>
    (await stack.api('GET', '/channels')).items.find((item) => item.kind === 'generic');
  let secret;

  await suite.test('a channel is made with a secret that is shown once', async () => {
    await goto(page, '/settings/channels');
    await page.getByRole('button', { name: 'New channel' }).click();
    const dialog = page.getByRole('dialog', { name: 'New channel' });
    await dialog.getByLabel('Name', { exact: true }).fill('Operations');
    await dialog.getByLabel('URL').fill(`${receiver.url}/hooks/certyard`);
    await dialog.getByRole('button', { name: 'Make one' }).click();
    await dialog.getByRole('button', { name: 'New channel' }).click();
    await dialog
      .getByRole('alert')
      .getByText(/everybody on the way can read/i)
      .first()
      .waitFor();
    await checkAccessibility(page);
    await dialog.getByLabel(/without encryption/).check();
    await dialog.getByRole('button', { name: 'New channel' }).click();
    secret = await dialog.locator('.command pre').innerText();
    truth(/^[0-9a-f]{64}$/.test(secret), 'a secret of 32 bytes');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'channel-secret');
    await page.keyboard.press('Escape');
    truth(await dialog.isVisible(), 'the secret goes by a key');
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText(receiver.url).waitFor();
    checkConsole(page);
  });

  await suite.test('a test call is signed with it, and the page shows what the receiver said', async () => {
    const dialog = await menu('Test');
    await dialog.getByRole('button', { name: 'Send a test call' }).click();
    await dialog.getByText('The receiver took it').waitFor();
    await dialog.getByText(/200 thank you/).waitFor();
    const call = receiver.calls.at(-1);
    equal(call.path, '/hooks/certyard', 'path');
    const wanted = createHmac('sha256', secret)
      .update(`${call.headers['x-certyard-timestamp']}.`)
      .update(call.body)
      .digest('hex');
    equal(call.headers['x-certyard-signature'], `sha256=${wanted}`, 'signature');
    receiver.answer = 410;
    await dialog.getByRole('button', { name: 'Send a test call' }).click();
    await dialog.getByText('The receiver did not take it').waitFor();
    await dialog.getByText(/410 no such hook/).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'channel-refused');
    receiver.answer = 200;
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await dialog.waitFor({ state: 'detached' });
    checkConsole(page);
  });

  await suite.test('the list says what became of its last message, and leads to all of them', async () => {
    // Whoever has mails has been told of what is due: by another begin there is more.
    const { start_days } = await stack.api('GET', '/settings/notifications');
    await stack.api('PUT', '/settings/notifications', { start_days: 365 });
    await until(
      'a message that the channel took',
      async () => {
        const { items } = await stack.api('GET', `/messages?channel_id=${(await stored()).id}`);
        return items.some((item) => item.state === 'accepted');
      },
      150,
    );
    await stack.api('PUT', '/settings/notifications', { start_days });
    await goto(page, '/settings/channels');
    await page
      .getByRole('row', { name: /Operations/ })
      .getByRole('link', { name: 'Accepted' })
      .waitFor();
    await page.getByRole('button', { name: 'Actions for Operations' }).click();
    await page.getByRole('menuitem', { name: 'Its messages' }).click();
    await page.waitForURL((url) => url.pathname === '/messages' && url.searchParams.has('channel'));
    await page.getByRole('button', { name: 'Operations', exact: true }).first().waitFor();
    equal(await page.getByRole('button', { name: '@' }).count(), 0, 'messages of others');
    await page.getByRole('button', { name: 'Only one channel' }).click();
    await page.waitForURL((url) => !url.searchParams.has('channel'));
    checkConsole(page);
  });

  await suite.test('a change of two people at once is told, and none of it is lost', async () => {
    await goto(page, '/settings/channels');
    const dialog = await menu('Change');
    await dialog.getByRole('switch', { name: 'Gets messages' }).click();
    await dialog.getByRole('switch', { name: 'Only what rules and escalations name it for' }).click();
    const { id } = await stored();
    await stack.api('PATCH', `/channels/${id}`, { name: 'Operations by night' });
    await dialog.getByRole('button', { name: 'Save' }).click();
    const note = dialog.getByRole('alert');
    await note.getByText('Somebody else has saved a change meanwhile').waitFor();
    await note.getByRole('button', { name: 'Apply mine on top' }).or(note.getByRole('button').last()).click();
    const both = await until('the change of both', async () => {
      const now = await stored();
      return now.enabled ? null : now;
    });
    equal(both.name, 'Operations by night', 'the other change');
    equal(both.rules_only, true, 'only by rules');
    await page.getByText('Operations by night').waitFor();
    await page.getByText('Off', { exact: true }).waitFor();
    await stack.api('PATCH', `/channels/${id}`, { name: 'Operations' });
    checkConsole(page);
  });

  await suite.test('a channel is deleted after a question, and its messages stay', async () => {
    await goto(page, '/settings/channels');
    const dialog = await menu('Delete');
    await dialog.getByText(/Its messages stay in the ledger/).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No channels yet' }).waitFor();
    const { items } = await stack.api('GET', '/messages?recipient=Operations');
    truth(items.length > 0, 'the messages of the channel are gone');
    checkConsole(page);
  });
  await receiver.stop();
  await page.context().close();
}
