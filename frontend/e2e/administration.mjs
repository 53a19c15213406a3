// What is wanted and who may: profiles and how far clusters are from them, people, tokens, and the audit log.
import { all } from './alerts.mjs';
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { goto } from './pages.mjs';
import { until } from './stack.mjs';
import { equal, truth } from './suite.mjs';

export async function profiles(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });
  const clusters = await all(stack, '/clusters');
  const cluster = clusters.find((item) => item.product === 'cucm' && item.node_count > 0);
  truth(cluster, 'no cluster of Unified CM');
  let id;

  await suite.test('a profile is made and edited, and keeps what is not shown', async () => {
    await goto(page, '/profiles');
    await page.getByRole('button', { name: 'New profile' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Campus');
    await dialog.getByRole('button', { name: 'New profile' }).click();
    await page.waitForURL(/\/profiles\/[0-9a-f-]{36}$/);
    id = page.url().split('/').pop();
    await stack.api('PATCH', `/profiles/${id}`, {
      settings: [{ product: 'imp', purpose: 'tomcat', signing: 'self_signed' }],
    });
    await goto(page, `/profiles/${id}?product=cucm`);
    const tomcat = page.getByRole('group', { name: 'tomcat', exact: true });
    await tomcat.getByRole('combobox', { name: 'Signed by' }).click();
    await page.getByRole('option', { name: 'A CA' }).click();
    await tomcat.getByRole('combobox', { name: 'Key' }).click();
    await page.getByRole('option', { name: 'RSA 4096' }).click();
    await page.getByText('There are unsaved changes.').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await until('the stored profile', async () => {
      const { settings } = await stack.api('GET', `/profiles/${id}`);
      const of = (product) => settings.find((item) => item.product === product && item.purpose === 'tomcat');
      return (
        of('imp')?.signing === 'self_signed' &&
        of('cucm')?.signing === 'ca_signed' &&
        of('cucm')?.key_bits === 4096
      );
    });
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'profile-edited');
    checkConsole(page);
  });

  await suite.test(
    'nothing that was typed in is lost: not by leaving, nor where another was faster',
    async () => {
      const tomcat = page.getByRole('group', { name: 'tomcat', exact: true });
      await tomcat.getByRole('combobox', { name: 'Key' }).click();
      await page.getByRole('option', { name: 'RSA 2048' }).click();
      await page.getByRole('navigation').getByRole('link', { name: 'Agents' }).click();
      const leave = page.getByRole('dialog', { name: 'Leave without saving?' });
      await leave.getByRole('button', { name: 'Stay here' }).click();
      await leave.waitFor({ state: 'detached' });
      await stack.api('PATCH', `/profiles/${id}`, { description: 'Of another hand.' });
      await page.getByRole('button', { name: 'Save' }).click();
      const note = page.getByRole('alert').filter({ hasText: 'Somebody else has saved a change meanwhile' });
      await note.getByRole('row', { name: /Key size.*4096.*2048/ }).waitFor();
      await settle(page);
      await checkAccessibility(page);
      await shoot(page, 'conflict');
      await note.getByRole('button', { name: 'Apply mine on top' }).click();
      const both = await until('the edits of both', async () => {
        const stored = await stack.api('GET', `/profiles/${id}`);
        const wanted = stored.settings.find((item) => item.product === 'cucm' && item.purpose === 'tomcat');
        return wanted?.key_bits === 2048 ? stored : null;
      });
      equal(both.description, 'Of another hand.', 'the other edit');
      checkConsole(page);
    },
  );

  await suite.test('what a version cannot have is not offered for it', async () => {
    for (const [version, offered] of [
      ['12.5', 0],
      ['15', 1],
    ]) {
      await goto(page, `/profiles/${id}?product=cucm&version=${version}`);
      const row = page.getByRole('group', { name: 'CallManager', exact: true });
      await row.getByRole('combobox', { name: 'Signed by' }).click();
      await page.getByRole('option', { name: 'A CA' }).waitFor();
      equal(
        await page.getByRole('option', { name: 'As Tomcat' }).count(),
        offered,
        `As Tomcat in ${version}`,
      );
      await page.keyboard.press('Escape');
    }
  });

  await suite.test('clusters get the profile, and the matrix says what differs', async () => {
    await goto(page, `/profiles/${id}?do=assign`);
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Clusters' }).click();
    await page.getByRole('option', { name: new RegExp(`^${cluster.name} `) }).click();
    await page.keyboard.press('Escape');
    await dialog.getByRole('button', { name: 'Assign to clusters' }).click();
    await dialog.waitFor({ state: 'detached' });
    const matrix = async () => (await stack.api('GET', '/compliance?compliant=false')).items[0];
    const row = await until('a cluster that differs', async () => {
      const found = await matrix();
      return found?.pending === false ? found : null;
    });
    await goto(page, '/compliance?compliant=no');
    await page.getByRole('button', { name: row.cluster.name, exact: true }).click();
    await page.locator('section.panel .differences').first().waitFor();
    const shown = await page.locator('section.panel .deviation').count();
    equal(shown, row.different, 'certificates that differ');
    await page.getByRole('button', { name: 'Fix this cluster …' }).click();
    const fix = page.getByRole('dialog', { name: 'Fix what differs' });
    await fix.locator('.fix-plans li, .fix-left li').first().waitFor();
    const plans = await fix.locator('.fix-plans li').count();
    const left = await fix.locator('.fix-left li').count();
    truth(plans + left > 0, 'neither a plan nor a reason');
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'compliance-fix');
    await page.keyboard.press('Escape');
    await fix.waitFor({ state: 'detached' });
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'compliance-panel');
    checkConsole(page);
  });

  await suite.test('a profile in use is deleted with a warning, by keyboard', async () => {
    await goto(page, '/profiles');
    const menu = page.getByRole('button', { name: 'Actions for Campus', exact: true });
    await menu.focus();
    await page.keyboard.press('Enter');
    const item = page.getByRole('menuitem', { name: 'Delete' });
    await item.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/1 cluster uses this profile/).waitFor();
    await settle(page);
    await checkAccessibility(page);
    const act = dialog.getByRole('button', { name: 'Delete' });
    await act.focus();
    await page.keyboard.press('Enter');
    await until('the end of the profile', async () => {
      const { items } = await stack.api('GET', '/profiles');
      return items.every((profile) => profile.id !== id);
    });
    checkConsole(page);
  });
  await page.context().close();
}

export async function people(suite, stack, browser, state) {
  const page = await openPage(browser, stack.url, { state });

  await suite.test('a person is added with a role, changed, and the audit log tells both', async () => {
    await goto(page, '/people/members?do=add');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Katherine Johnson');
    await dialog.getByLabel('E-mail address').fill('katherine@example.org');
    await dialog.locator('input[type=password]').fill('a long enough first password');
    await dialog.getByRole('button', { name: 'Add user' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('katherine@example.org').waitFor();
    await page.getByRole('button', { name: 'Actions for Katherine Johnson' }).click();
    await page.getByRole('menuitem', { name: 'Edit user' }).click();
    const edit = page.getByRole('dialog');
    await edit.getByRole('combobox', { name: 'Role' }).click();
    await page.getByRole('option', { name: 'Auditor' }).click();
    await edit.getByRole('button', { name: 'Save' }).click();
    await edit.waitFor({ state: 'detached' });
    const { items } = await stack.api('GET', '/audit?object_kind=member');
    const update = items.find(
      (entry) => entry.object_name.includes('Katherine') && entry.action !== 'member.add',
    );
    truth(update, 'no audit row of the change');
    await goto(page, `/audit?kind=member&entry=${update.id}`);
    const panel = page.locator('section.panel');
    await panel.locator('.differences').getByText('operator').waitFor();
    await panel.locator('.differences').getByText('auditor').waitFor();
    await settle(page);
    await checkAccessibility(page);
    await shoot(page, 'audit-panel');
    checkConsole(page);
  });

  await suite.test('a token is shown once, works, and is refused once it is revoked', async () => {
    await goto(page, '/people/tokens?do=add');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('weekly report');
    await dialog.getByRole('button', { name: 'New token' }).click();
    const secret = await dialog.locator('.command pre').innerText();
    const ask = () =>
      fetch(`${stack.url}/api/v1/me`, { headers: { authorization: `Bearer ${secret}` } }).then(
        (answer) => answer.status,
      );
    equal(await ask(), 200, 'answer to the token');
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('button', { name: 'Actions for weekly report' }).click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('Revoked').waitFor();
    equal(await ask(), 401, 'answer to the revoked token');
    checkConsole(page);
  });
  await page.context().close();
}
