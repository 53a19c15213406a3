// Rules of notifications: one is made by a part of the lifetime, refused in place, previewed, changed by two at once, told of and deleted.
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { goto } from './pages.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

const RULES = '/settings/notifications/rules';

export async function rules(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const form = page.getByRole('form', { name: 'Rule' });
  const stored = async () => (await stack.api('GET', RULES)).items[0];
  const inMenu = async (name, item) => {
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };

  await suite.test('a wrong rule is refused with the fields that are wrong', async () => {
    await goto(page, '/settings/rules');
    await page.getByRole('heading', { name: 'No rules yet' }).waitFor();
    await page.getByText(/days before the end, then every/).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'rules-empty');
    await page.getByRole('link', { name: 'New rule' }).click();
    await page.getByText(/Once the rule has a name/).waitFor();
    await form.getByLabel('Name', { exact: true }).fill('Short-lived');
    await form.getByText('Percent', { exact: true }).click();
    await form.getByLabel('First message').fill('0');
    await form.getByRole('textbox', { name: 'Recipients' }).focus();
    await page.keyboard.type('nobody');
    await page.keyboard.press('Enter');
    await form.getByRole('button', { name: 'New rule' }).click();
    await form.getByText('nobody: Not an e-mail address').waitFor();
    const start = form.locator('.mantine-NumberInput-root', { has: page.getByLabel('First message') });
    await start.getByText('from 1 to 99 percent of the lifetime').waitFor();
    equal(await start.locator('input').getAttribute('aria-invalid'), 'true', 'the wrong field');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'rule-refused');
    equal((await stack.api('GET', RULES)).items.length, 0, 'rules');
    page.problems.length = 0;
  });

  await suite.test('the preview says how many certificates a rule covers, and it is made', async () => {
    await form.getByRole('button', { name: 'Remove nobody' }).click();
    await form.getByRole('textbox', { name: 'Recipients' }).focus();
    await page.keyboard.type('edge@example.org ');
    await form.getByLabel('First message').fill('99');
    await form.getByRole('combobox', { name: 'Kind' }).click();
    await page.getByRole('option', { name: 'Identity' }).click();
    const told = await stack.api('POST', `${RULES}/preview`, {
      name: 'any',
      scope: { kind: 'identity' },
      start_percent: 99,
      frequency_percent: 5,
      recipients: ['edge@example.org'],
    });
    truth(told.certificates > 1, 'the rule covers nothing: the test shows nothing');
    await page.getByText(`It covers ${told.certificates} certificates now.`).waitFor();
    await page.getByText(/^A certificate for 47 days/).waitFor();
    await page.getByText('46.5 days before', { exact: true }).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'rule-preview');
    await form.getByRole('button', { name: 'New rule' }).click();
    await page.waitForURL('**/settings/rules');
    const row = page.getByRole('row', { name: /Short-lived/ });
    await row.getByText('99% of the lifetime left, then every 5%').waitFor();
    await row.getByText('Kind: Identity').waitFor();
    equal((await stored()).start_percent, 99, 'percent');
    checkConsole(page);
  });

  await suite.test(
    'what two people change at once is told part by part, and none of it is lost',
    async () => {
      await page.getByRole('link', { name: 'Short-lived' }).click();
      await form.getByRole('switch', { name: 'Tell others' }).click();
      await form.getByRole('textbox', { name: 'Others' }).focus();
      await page.keyboard.type('head@example.org ');
      const { id, name, recipients, start_percent } = await stored();
      await stack.api('PUT', `${RULES}/${id}`, {
        name,
        recipients,
        start_percent,
        scope: { kind: 'identity' },
        instead_of_default: true,
      });
      await form.getByRole('button', { name: 'Save' }).click();
      const note = form.getByRole('alert');
      await note.getByText('Somebody else has saved a change meanwhile').waitFor();
      await note.getByText('After 3 days: head@example.org').waitFor();
      await settle(page);
      await checkAccessibility(page);
      await note.getByRole('button', { name: 'Apply mine on top' }).click();
      await page.waitForURL('**/settings/rules');
      const now = await stored();
      equal(now.escalation?.recipients.join(), 'head@example.org', 'mine');
      equal(now.instead_of_default, true, 'theirs');
      await page.getByText('instead of default').waitFor();
      page.problems.length = 0;
    },
  );

  await suite.test('a changed rule is not left by chance', async () => {
    await page.getByRole('link', { name: 'Short-lived' }).click();
    await form.getByText('Once a week', { exact: true }).click();
    await form.getByRole('combobox', { name: 'Day of the digest' }).click();
    await page.getByRole('option', { name: 'Wednesday' }).click();
    await page.getByText(/then in the weekly digest \(Wednesday\)/).waitFor();
    await page.locator('.page-back').click();
    const guard = page.getByRole('dialog', { name: 'Leave without saving?' });
    await guard.getByRole('button', { name: 'Stay here' }).click();
    await guard.waitFor({ state: 'detached' });
    await form.getByText('At once', { exact: true }).click();
    await form.getByRole('button', { name: 'Cancel' }).click();
    await page.waitForURL('**/settings/rules');
    checkConsole(page);
  });

  await suite.test(
    'the ledger names the rule of a message, and a notice of trouble by what it is',
    async () => {
      const { id } = await stored();
      await until(
        'a message of the rule',
        async () => (await stack.api('GET', `/messages?rule_id=${id}`)).items.length > 0,
        150,
      );
      await goto(page, '/settings/rules');
      await inMenu('Short-lived', 'Its messages');
      await page.waitForURL((url) => url.pathname === '/messages' && url.searchParams.get('rule') === id);
      await page.getByText('Rule: Short-lived').first().waitFor();
      await page.getByRole('button', { name: 'edge@example.org' }).first().click();
      const panel = page.locator('section.panel');
      await panel.getByRole('link', { name: 'Short-lived' }).waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'message-of-rule');
      // Nothing is in trouble here: a message is read as if it told of it.
      await page.route('**/api/v1/messages**', async (route) => {
        const answer = await route.fetch();
        const body = await answer.json();
        const trouble = (message) => ({
          ...message,
          about: 'trouble',
          kind: null,
          rule_id: null,
          rule_name: null,
        });
        const json =
          body.items === undefined
            ? { message: trouble(body.message), alerts: [] }
            : { ...body, items: body.items.map(trouble) };
        await route.fulfill({ response: answer, json });
      });
      await page.reload();
      await page.locator('tbody').getByText('Notice of trouble').first().waitFor();
      await panel.getByText(/There are no certificates in it/).waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'message-trouble');
      await page.unroute('**/api/v1/messages**');
      checkConsole(page);
    },
  );

  await suite.test('a rule is switched off, and deleted after a question', async () => {
    await goto(page, '/settings/rules');
    await inMenu('Short-lived', 'Switch off');
    await page.getByText('Off', { exact: true }).waitFor();
    equal((await stored()).enabled, false, 'enabled');
    await inMenu('Short-lived', 'Delete');
    const dialog = page.getByRole('dialog', { name: 'Delete Short-lived?' });
    await dialog.getByText(/Its messages stay in the ledger/).waitFor();
    await settle(page);
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No rules yet' }).waitFor();
    truth((await stored()) === undefined, 'the rule is still there');
    checkConsole(page);
  });

  await suite.test('the default may come as a digest, and be told to others when nobody acts', async () => {
    await goto(page, '/settings/notifications');
    const settings = page.getByRole('form', { name: 'Notifications' });
    const before = await stack.api('GET', '/settings/notifications');
    await settings.getByText('Once a week', { exact: true }).click();
    await page.getByText(/then it stands in the digest of the week \(Monday\)/).waitFor();
    truth(await settings.getByLabel('Then every').isDisabled(), 'a digest has a frequency of its own');
    await settings.getByRole('switch', { name: 'Tell others' }).click();
    await settings.getByRole('button', { name: 'Save' }).click();
    await settings.getByText('Needed', { exact: true }).first().waitFor();
    await settings.getByRole('textbox', { name: 'Others' }).focus();
    await page.keyboard.type('head@example.org ');
    await settings.getByRole('button', { name: 'Save' }).click();
    await until('the stored settings', async () => {
      const now = await stack.api('GET', '/settings/notifications');
      return now.digest_weekday === 1 && now.escalation?.recipients.join() === 'head@example.org';
    });
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'settings-digest');
    await stack.api('PUT', '/settings/notifications', {
      digest_weekday: before.digest_weekday ?? null,
      escalation: before.escalation ?? null,
    });
    page.problems.length = 0;
  });
  await page.context().close();
}
