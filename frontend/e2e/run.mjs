// Drives the dashboard in Chromium against the real program, its lab and its agent: `npm run e2e`.
// CERTYARD_BIN names the program (by default target/debug/certyard; certyard-agent beside it), E2E_KEEP=1 keeps its folder.
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { people, profiles } from './administration.mjs';
import { agents } from './agents.mjs';
import { alertList, quietBoard } from './alerts.mjs';
import { openBrowser, results } from './browser.mjs';
import { channels } from './channels.mjs';
import { aftercare, housekeeping } from './housekeeping.mjs';
import { certificate, injection, keyboard, signIn } from './journeys.mjs';
import { changedPlan, liveJob, newVersion, order, retriedJob } from './jobs.mjs';
import { MailServer } from './mail.mjs';
import { onboarding } from './onboarding.mjs';
import { calendar, certificatePage, notifications, overview, palette } from './pages.mjs';
import { rootChange } from './rootchange.mjs';
import { routes } from './routes.mjs';
import { rules } from './rules.mjs';
import { Stack } from './stack.mjs';
import { Suite } from './suite.mjs';

const dist = new URL('../dist/index.html', import.meta.url).pathname;
if (!existsSync(dist)) {
  console.error('frontend/dist is missing: npm run build');
  process.exit(1);
}

const suite = new Suite();
const stack = new Stack();
const mail = new MailServer();
let browser = null;

async function stop() {
  await browser?.close();
  for (const name of ['serve', 'lab', 'agent']) {
    const log = join(stack.folder, `${name}.log`);
    if (existsSync(log)) cpSync(log, join(results, `${name}.log`));
  }
  await stack.stop();
  await mail.stop();
}

process.on('SIGINT', () => void stop().then(() => process.exit(1)));

try {
  browser = await openBrowser();
  await mail.start();
  await stack.startServer();
  await stack.startLab();
  const state = await onboarding(suite, stack, browser);
  if (state !== null) {
    const walk = async (...journeys) => {
      for (const journey of journeys) await journey(suite, stack, browser, state, mail);
    };
    // Side by side, as far as none of them moves what another one counts.
    await Promise.all([
      walk(certificate, changedPlan, retriedJob, injection, housekeeping, aftercare, rootChange),
      walk(notifications, signIn, people, profiles, agents, quietBoard, channels, rules, newVersion),
    ]);
    // The server goes down for it.
    await liveJob(suite, stack, browser, state);
    await Promise.all([walk(keyboard, order, alertList, certificatePage), walk(overview, calendar, palette)]);
    await routes(suite, stack, browser, state);
  }
} catch (error) {
  await suite.test('the run comes to its end', () => Promise.reject(error));
} finally {
  await stop();
}
process.exit(suite.finish() ? 0 : 1);
