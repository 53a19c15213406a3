// Every route of the router in both themes: accessible, silent under the strict policy, and a picture of each.
import { readFileSync } from 'node:fs';
import { checkAccessibility, checkConsole, openPage, settle, shoot } from './browser.mjs';
import { all } from './alerts.mjs';
import { truth } from './suite.mjs';

/** Addresses of each route; a route without one fails. */
async function addresses(stack) {
  const { items: clusters } = await stack.api('GET', '/clusters?limit=200');
  const cluster = clusters.find((item) => item.name === stack.nodes[0].cluster);
  const { items: identity } = await stack.api('GET', `/clusters/${cluster.id}/identity-certificates`);
  const { items: trust } = await stack.api('GET', `/clusters/${cluster.id}/trust-certificates`);
  const { items: jobs } = await stack.api('GET', '/jobs');
  const alerts = await all(stack, '/alerts');
  const alertOf = (kind) => alerts.find((item) => item.kind === kind).id;
  const { items: profiles } = await stack.api('GET', '/profiles');
  const { items: messages } = await stack.api('GET', '/messages');
  const { items: audit } = await stack.api('GET', '/audit');
  const { items: members } = await stack.api('GET', '/members');
  const base = `/clusters/${cluster.id}`;
  const tomcat = identity.find((item) => item.store === 'tomcat') ?? identity[0];
  return {
    '/': { overview: '/' },
    '/alerts': {
      alerts: '/alerts',
      'alerts-filtered': '/alerts?kind=trust&status=expired&certificate=tomcat-trust&product=cucm,imp',
      'alerts-none': '/alerts?q=no-such-certificate',
      'alerts-identity': `/alerts?cert=${alertOf('identity')}`,
      'alerts-trust': `/alerts?cert=${alertOf('trust')}`,
      'alerts-unknown': '/alerts?cert=01900000-0000-7000-8000-000000000000',
    },
    '/clusters': {
      clusters: '/clusters',
      'clusters-none': '/clusters?q=no-such-cluster',
      'clusters-add': '/clusters?do=add',
    },
    '/clusters/$clusterId': { cluster: base },
    '/clusters/$clusterId/$tab': {
      identity: `${base}/identity`,
      'identity-panel': `${base}/identity?cert=${tomcat.id}`,
      'identity-csr': `${base}/identity?cert=${tomcat.id}&do=csr`,
      'identity-history': `${base}/identity?cert=${tomcat.id}&do=history`,
      trust: `${base}/trust`,
      'trust-panel': `${base}/trust?cert=${trust[0].certificate_id}`,
      'cluster-jobs': `${base}/jobs`,
      nodes: `${base}/nodes`,
      'nodes-add': `${base}/nodes?do=add`,
      'tab-unknown': `${base}/nothing`,
    },
    '/jobs': { jobs: '/jobs', 'jobs-none': '/jobs?state=cancelled&period=5' },
    '/jobs/$jobId': {
      job: `/jobs/${jobs[0].id}`,
      'job-unknown': '/jobs/01900000-0000-7000-8000-000000000000',
    },
    '/agents': { agents: '/agents', 'agents-join': '/agents?do=join' },
    '/calendar': {
      calendar: '/calendar',
      'calendar-empty': '/calendar?from=2100-01-01&until=2100-01-02',
      'calendar-panel': `/calendar?kind=identity&cert=${tomcat.id}`,
    },
    '/messages': {
      messages: '/messages',
      'messages-none': '/messages?state=cancelled&recipient=nobody@example.org',
      'messages-panel': `/messages?message=${messages[0].id}`,
      'messages-unknown': '/messages?message=01900000-0000-7000-8000-000000000000',
    },
    '/certificates': {
      certificates: '/certificates',
      'certificates-filtered': '/certificates?type=ca&within=past',
      'certificates-none': '/certificates?q=no-such-certificate',
    },
    '/certificates/$certificateId': {
      certificate: `/certificates/${tomcat.certificate_id}`,
      'certificate-unknown': '/certificates/01900000-0000-7000-8000-000000000000',
    },
    '/csrs': { csrs: '/csrs', 'csrs-none': '/csrs?state=gone' },
    '/profiles': {
      profiles: '/profiles',
      'profiles-none': '/profiles?q=no-such-profile',
      'profiles-add': '/profiles?do=add',
      'profiles-assign': `/profiles?do=assign&profile=${profiles[0].id}`,
    },
    '/profiles/$profileId': {
      'profile-built-in': `/profiles/${profiles[0].id}?product=imp`,
      'profile-unknown': '/profiles/01900000-0000-7000-8000-000000000000',
    },
    '/compliance': {
      compliance: '/compliance',
      'compliance-none': '/compliance?q=no-such-cluster',
    },
    '/people/$tab': {
      members: '/people/members',
      'members-edit': `/people/members?do=edit&id=${members[0].id}`,
      roles: '/people/roles',
      tokens: '/people/tokens',
      'tokens-add': '/people/tokens?do=add',
      'people-unknown': '/people/nothing',
    },
    '/audit': {
      audit: '/audit',
      'audit-none': '/audit?kind=node&from=2001-01-01&until=2001-01-02',
      'audit-panel': `/audit?entry=${audit[0].id}`,
    },
    '/settings/$tab': {
      'settings-notifications': '/settings/notifications',
      'settings-mail': '/settings/mail',
      'settings-appearance': '/settings/appearance',
      'settings-account': '/settings/account',
      'settings-unknown': '/settings/nothing',
    },
    '/setup': { setup: '/setup' },
    '/sign-in': { 'sign-in': '/sign-in' },
    '*': { 'not-found': '/no-such-page' },
  };
}

export async function routes(suite, stack, browser, state) {
  const source = readFileSync(new URL('../src/router.tsx', import.meta.url), 'utf8');
  const known = [...source.matchAll(/path: '([^']+)'/g)].map((match) => match[1]);
  const table = await addresses(stack);

  await suite.test('every route of the router has an address to test', async () => {
    for (const path of known) truth(table[path], `no address for the route ${path}`);
    truth(known.length >= 10, `only ${known.length} routes found`);
  });

  // Side by side: a page waits for its server most of its time.
  const walk = async (scheme) => {
    const page = await openPage(browser, stack.url, { scheme, state });
    for (const [name, address] of Object.values(table).flatMap((entries) => Object.entries(entries))) {
      await suite.test(`${name} is accessible and silent, ${scheme}`, async () => {
        page.problems.length = 0;
        await page.goto(address, { waitUntil: 'domcontentloaded' });
        await page.locator('h1, h2').first().waitFor();
        await settle(page);
        await shoot(page, `${name}-${scheme}`);
        await checkAccessibility(page);
        checkConsole(page);
      });
    }
    await page.context().close();
  };
  await Promise.all(['light', 'dark'].map(walk));

  await suite.test('a phone shows every page without scrolling sideways', async () => {
    const page = await openPage(browser, stack.url, { state, viewport: { width: 360, height: 780 } });
    for (const address of [
      '/',
      '/alerts',
      '/calendar',
      '/messages',
      '/certificates',
      table['/certificates/$certificateId'].certificate,
      '/csrs',
      '/profiles',
      table['/profiles/$profileId']['profile-built-in'],
      '/compliance',
      '/people/members',
      '/people/roles',
      '/people/tokens',
      '/audit',
      '/settings/notifications',
      '/settings/mail',
      '/settings/appearance',
      '/settings/account',
      '/clusters',
      table['/clusters/$clusterId/$tab'].identity,
      '/jobs',
      '/agents',
    ]) {
      await page.goto(address, { waitUntil: 'domcontentloaded' });
      await page.locator('h1').first().waitFor();
      await settle(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      truth(wide <= 0, `${address} is ${wide} px too wide`);
    }
    await shoot(page, 'phone');
    await page.context().close();
  });

  for (const [language, word] of Object.entries({
    sv: 'Kluster',
    de: 'Cluster',
    cs: 'Clustery',
    uk: 'Кластери',
    ru: 'Кластеры',
  })) {
    await suite.test(`the pages speak ${language}`, async () => {
      const page = await openPage(browser, stack.url, { state });
      await page.addInitScript((code) => localStorage.setItem('certyard-language', code), language);
      await page.goto('/clusters', { waitUntil: 'domcontentloaded' });
      await page.getByRole('heading', { name: word, exact: true, level: 1 }).waitFor();
      await settle(page);
      truth((await page.locator('html').getAttribute('lang')) === language, 'lang of the page');
      await shoot(page, `clusters-${language}`);
      checkConsole(page);
      await page.context().close();
    });
  }
}
