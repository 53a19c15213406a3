// Every route of the router in each theme, on a phone and in a second language: accessible, silent under the strict policy, and pictures of each.
import { readFileSync } from 'node:fs';
import { checkAccessibility, checkConsole, openPage, setScheme, settle, shoot } from './browser.mjs';
import { all } from './alerts.mjs';
import { truth } from './suite.mjs';

/** A root change that has just been begun: from one root of the lab to another, in one cluster. */
async function begunRootChange(stack, clusterId) {
  const { items } = await stack.api('GET', '/certificates?is_ca=true&search=Root%20CA&limit=200');
  const idOf = (name) => items.find((item) => item.common_name === name).id;
  return stack.api('POST', '/root-changes', {
    old_certificate_id: idOf('Holmgard Corporate Root CA'),
    new_certificate_id: idOf('Example Phone Root CA M2'),
    note: 'change 4711',
    scope: { cluster_ids: [clusterId], product: 'cucm' },
  });
}

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
  const { items: clutter } = await stack.api('GET', '/trust-hygiene');
  const { items: agents } = await stack.api('GET', '/agents');
  const rule = await stack.api('POST', '/settings/notifications/rules', {
    name: 'Edge by night',
    enabled: false,
    scope: { clusters: [cluster.id], products: ['cucm'], kind: 'identity', issuers: ['CA, root'] },
    start_percent: 20,
    recipients: ['edge@example.org', 'ops@example.org', 'night@example.org'],
    instead_of_default: true,
    escalation: { after_days: 2, recipients: ['head@example.org'] },
  });
  const root = await begunRootChange(stack, cluster.id);
  const agent = agents.find((item) => item.name === 'agent-north');
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
    '/agents': {
      agents: '/agents',
      'agents-join': '/agents?do=join',
      'agents-panel': `/agents?agent=${agent.id}`,
      'agents-ban': `/agents?agent=${agent.id}&do=ban`,
      'agents-unknown': '/agents?agent=01900000-0000-7000-8000-000000000000',
    },
    '/agents/join-tokens': {
      'join-tokens': '/agents/join-tokens',
      'join-tokens-add': '/agents/join-tokens?do=add',
    },
    '/trust-hygiene': {
      hygiene: '/trust-hygiene',
      'hygiene-filtered': '/trust-hygiene?reason=expired,duplicate&product=cucm&store=tomcat-trust',
      'hygiene-none': '/trust-hygiene?q=no-such-certificate',
      'hygiene-panel': `/trust-hygiene?cert=${clutter[0].certificate_id}`,
    },
    '/server-only-certificates': {
      'server-only-empty': '/server-only-certificates',
      'server-only-none': '/server-only-certificates?q=no-such-certificate&purpose=tomcat',
    },
    '/quarantine': {
      quarantine: '/quarantine',
      'quarantine-back': '/quarantine?state=restored',
      'quarantine-none': '/quarantine?q=no-such-certificate&job=01900000-0000-7000-8000-000000000000',
    },
    '/root-changes': {
      'root-changes': '/root-changes',
      'root-changes-none': '/root-changes?q=no-such-root-change&state=open',
    },
    '/root-changes/$rootChangeId': {
      'root-change-new': '/root-changes/new',
      'root-change': `/root-changes/${root.id}`,
      'root-change-identities': `/root-changes/${root.id}?show=identities`,
      'root-change-jobs': `/root-changes/${root.id}?show=jobs`,
      'root-change-edit': `/root-changes/${root.id}?do=edit`,
      'root-change-override': `/root-changes/${root.id}?do=switch`,
      'root-change-close': `/root-changes/${root.id}?do=close`,
      'root-change-unknown': '/root-changes/01900000-0000-7000-8000-000000000000',
    },
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
      'settings-rules': '/settings/rules',
      'rules-delete': `/settings/rules?do=delete&id=${rule.id}`,
      'settings-channels': '/settings/channels',
      'channels-add': '/settings/channels?do=add',
      'settings-mail': '/settings/mail',
      'settings-appearance': '/settings/appearance',
      'settings-account': '/settings/account',
      'settings-unknown': '/settings/nothing',
    },
    '/settings/rules/$ruleId': {
      'rule-new': '/settings/rules/new',
      rule: `/settings/rules/${rule.id}`,
      'rule-unknown': '/settings/rules/01900000-0000-7000-8000-000000000000',
    },
    '/setup': { setup: '/setup' },
    '/sign-in': { 'sign-in': '/sign-in' },
    '*': { 'not-found': '/no-such-page' },
  };
}

const WORDS = new URL('../src/locales/', import.meta.url);
const wordsOf = (language) => JSON.parse(readFileSync(new URL(`${language}.json`, WORDS), 'utf8'));
const LANGUAGES = ['sv', 'de', 'cs', 'uk', 'ru'];
const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 360, height: 780 };
/** Pages looked at side by side: each waits for its server for a part of its time. */
const TABS = 3;

/** Names that the server gives; they stay in every language. */
const NAMES = ['Default'];

/** English texts that nobody may read in another language: those that it has other words for. */
function foreignWords(language) {
  const own = wordsOf(language);
  const spoken = new Set(Object.values(own));
  return Object.values(wordsOf('en')).filter(
    (text) => !spoken.has(text) && !text.includes('{{') && !NAMES.includes(text),
  );
}

/** All that is read on a page, and all that is told to those who listen. */
const textsOf = (page) =>
  page.evaluate(() => {
    const texts = [document.title.replace(/ · Certyard$/, '')];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) texts.push(walker.currentNode.data);
    for (const name of ['aria-label', 'placeholder', 'title', 'alt']) {
      for (const element of document.querySelectorAll(`[${name}]`)) texts.push(element.getAttribute(name));
    }
    return [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ''))];
  });

/** As if another tab had changed the language: this one follows. */
async function speak(page, language) {
  await page.evaluate((code) => {
    localStorage.setItem('certyard-language', code);
    window.dispatchEvent(new StorageEvent('storage', { key: 'certyard-language', newValue: code }));
  }, language);
  await page.waitForFunction((code) => document.documentElement.lang === code, language);
}

async function noSideways(page, what) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  truth(wide <= 0, `${what} is ${wide} px too wide`);
}

export async function routes(suite, stack, browser, state) {
  const source = readFileSync(new URL('../src/router.tsx', import.meta.url), 'utf8');
  const known = [...source.matchAll(/path: '([^']+)'/g)].map((match) => match[1]);
  const table = await addresses(stack);
  const foreign = Object.fromEntries(
    LANGUAGES.map((language) => [language, new Set(foreignWords(language))]),
  );
  const keys = new Set(Object.keys(wordsOf('en')));

  await suite.test('every route of the router has an address to test', async () => {
    for (const path of known) truth(table[path], `no address for the route ${path}`);
    truth(known.length >= 10, `only ${known.length} routes found`);
  });

  // Each page is loaded once, and looked at in every theme, width and language that it has.
  const visit = async (page, { name, address, language, scheme, cold }) => {
    page.problems.length = 0;
    const opened = await suite.test(`${name} is accessible and silent, light`, async () => {
      // The first view of a route is loaded from nothing, its others by the router of the open page.
      if (cold || page.url() === 'about:blank') await page.goto(address, { waitUntil: 'domcontentloaded' });
      else {
        page.quietSince = Date.now();
        await page.evaluate((to) => history.pushState({}, '', to), address);
      }
      await page.locator('h1, h2').first().waitFor();
      await settle(page);
      await shoot(page, `${name}-light`);
      await checkAccessibility(page);
      checkConsole(page);
    });
    if (!opened) return;
    await suite.test(`${name} is accessible and silent, dark`, async () => {
      await setScheme(page, 'dark');
      await shoot(page, `${name}-dark`);
      await checkAccessibility(page, { colours: 'dark' });
      checkConsole(page);
    });
    await suite.test(`${name} has 7:1 in high contrast, ${scheme}`, async () => {
      await setScheme(page, scheme);
      const contrast = (value) =>
        page.evaluate((to) => document.documentElement.setAttribute('data-contrast', to), value);
      await contrast('more');
      try {
        await shoot(page, `${name}-contrast`);
        await checkAccessibility(page, { colours: 'contrast' });
      } finally {
        await contrast('normal');
      }
    });
    await suite.test(`${name} fits a phone, and speaks ${language} without a foreign word`, async () => {
      await setScheme(page, 'light');
      await page.setViewportSize(PHONE);
      await noSideways(page, address);
      await shoot(page, `${name}-phone`);
      await speak(page, language);
      await settle(page);
      await noSideways(page, `${address} in ${language}`);
      const texts = await textsOf(page);
      const english = texts.filter((text) => foreign[language].has(text));
      truth(english.length === 0, `English in ${language}: ${english.join(' | ')}`);
      const bare = texts.filter((text) => keys.has(text) && text.includes('.'));
      truth(bare.length === 0, `no words for ${bare.join(' ')}`);
      checkConsole(page);
    });
    await speak(page, 'en');
    await page.setViewportSize(WIDE);
  };
  const queue = Object.values(table)
    .flatMap((entries) =>
      Object.entries(entries).map(([name, address], at) => ({ name, address, cold: at === 0 })),
    )
    .map((view, index) => ({
      ...view,
      language: LANGUAGES[index % LANGUAGES.length],
      scheme: index % 2 === 0 ? 'light' : 'dark',
    }));
  const walk = async () => {
    const page = await openPage(browser, stack.url, { state });
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      await page.emulateMedia({ colorScheme: 'light' });
      await visit(page, next);
    }
    await page.context().close();
  };
  await Promise.all(Array.from({ length: TABS }, walk));

  for (const [language, word] of Object.entries({
    sv: 'Kluster',
    de: 'Cluster',
    cs: 'Clustery',
    uk: 'Кластери',
    ru: 'Кластеры',
  })) {
    await suite.test(`the pages start in ${language} where it was chosen`, async () => {
      const page = await openPage(browser, stack.url, { state });
      await page.addInitScript((code) => localStorage.setItem('certyard-language', code), language);
      await page.goto('/clusters', { waitUntil: 'domcontentloaded' });
      await page.getByRole('heading', { name: word, exact: true, level: 1 }).waitFor();
      truth((await page.locator('html').getAttribute('lang')) === language, 'lang of the page');
      checkConsole(page);
      await page.context().close();
    });
  }
}
