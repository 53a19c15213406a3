// A list of tests that each claim one thing; what fails does not keep the others from running.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { results } from './browser.mjs';

export class Suite {
  tests = [];

  async test(name, body) {
    const start = Date.now();
    const entry = { name, passed: true, milliseconds: 0 };
    try {
      await body();
    } catch (error) {
      entry.passed = false;
      entry.error = error.stack ?? String(error);
    }
    entry.milliseconds = Date.now() - start;
    this.tests.push(entry);
    console.log(`${entry.passed ? 'ok  ' : 'FAIL'} ${name} (${entry.milliseconds} ms)`);
    if (!entry.passed)
      console.log(
        entry.error
          .split('\n')
          .slice(0, 12)
          .map((line) => `     ${line}`)
          .join('\n'),
      );
    return entry.passed;
  }

  finish() {
    const passed = this.tests.filter((test) => test.passed).length;
    const failed = this.tests.length - passed;
    mkdirSync(results, { recursive: true });
    writeFileSync(
      join(results, 'e2e.json'),
      `${JSON.stringify({ passed, failed, tests: this.tests }, null, 1)}\n`,
    );
    console.log(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0;
  }
}

export function equal(actual, wanted, what) {
  if (actual !== wanted)
    throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`);
}

export function truth(value, what) {
  if (!value) throw new Error(what);
}
