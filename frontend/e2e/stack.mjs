// The real program, its lab and its agent, on free ports in a folder of their own.
import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const repository = new URL('../../', import.meta.url).pathname;

export const OWNER = {
  organisation: 'Nordhem AB',
  name: 'Ada Lindqvist',
  email: 'ada@example.org',
  password: 'correct horse battery staple',
};

function program(variable, name) {
  const path = process.env[variable] ?? join(repository, 'target/debug', name);
  if (!existsSync(path)) throw new Error(`${path} is missing: cargo build --workspace, or set ${variable}`);
  return path;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until `check` gives something, and says what was waited for when it never does. */
export async function until(what, check, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  let last = null;
  while (Date.now() < end) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`waited ${seconds} s for ${what}${last === null ? '' : `: ${last.message}`}`);
}

export class Stack {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'certyard-e2e-'));
    this.children = [];
    this.certyard = program('CERTYARD_BIN', 'certyard');
    this.agent = process.env.CERTYARD_AGENT_BIN ?? join(dirname(this.certyard), 'certyard-agent');
  }

  start(name, path, args) {
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(path, args, { cwd: this.folder, stdio: ['ignore', log, log] });
    closeSync(log);
    child.on('exit', (code) => {
      child.ended = code ?? 'signal';
    });
    this.children.push(child);
    return child;
  }

  log(name) {
    const path = join(this.folder, `${name}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** The server alone: before the set-up. */
  async startServer() {
    this.port = await freePort();
    this.agentPort = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    await this.serve();
    this.setupCode = await until('the set-up code', () =>
      readFileSync(join(this.folder, 'data/setup-code'), 'utf8').trim(),
    );
  }

  /** Starts the server on its folder and ports, the first time or again. */
  async serve() {
    const child = this.start('serve', this.certyard, [
      'serve',
      '--data',
      join(this.folder, 'data'),
      '--listen',
      `127.0.0.1:${this.port}`,
      '--agent-listen',
      `127.0.0.1:${this.agentPort}`,
      '--ops-listen',
      'off',
      '--ui-dir',
      join(repository, 'frontend/dist'),
    ]);
    await until('the server to answer', async () => {
      if (child.ended !== undefined) throw new Error(`serve ended: ${this.log('serve')}`);
      return (await fetch(`${this.url}/healthz`)).ok;
    });
    this.server = child;
  }

  /** Stops the server; every connection to it is lost. */
  async stopServer() {
    const ended = new Promise((resolve) => this.server.on('exit', resolve));
    this.server.kill('SIGTERM');
    await ended;
  }

  /** Lets the agent stand still, or go on: a task that waits for it is neither done nor lost. */
  holdAgent(held) {
    this.agentProcess.kill(held ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Signs in as the owner, for what a test prepares without the pages. */
  async signIn() {
    const answer = await fetch(`${this.url}/api/v1/sessions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'X-Certyard-CSRF': '1',
        'user-agent': 'certyard-e2e',
      },
      body: JSON.stringify({ email: OWNER.email, password: OWNER.password }),
    });
    if (!answer.ok) throw new Error(`sign-in: ${answer.status} ${await answer.text()}`);
    this.cookie = answer.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; ');
  }

  async api(method, path, body) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        'X-Certyard-CSRF': '1',
        cookie: this.cookie,
        origin: this.url,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text.startsWith('{') ? JSON.parse(text) : text;
  }

  async startLab(clusters = 3) {
    this.labData = join(this.folder, 'lab');
    const child = this.start('lab', this.certyard, [
      'lab',
      'up',
      '--clusters',
      String(clusters),
      '--data',
      this.labData,
    ]);
    await until(
      'the lab',
      () => {
        if (child.ended !== undefined) throw new Error(`lab ended: ${this.log('lab')}`);
        return existsSync(join(this.labData, 'lab.json'));
      },
      120,
    );
    this.nodes = JSON.parse(readFileSync(join(this.labData, 'lab.json'), 'utf8')).nodes;
  }

  /** Spends a join token: an agent of that name has its data in the folder. */
  async join(token, name, folder) {
    const data = join(this.folder, folder);
    const agentUrl = (await this.api('GET', '/me')).agent_url;
    await run(this.agent, ['join', '--data', data, '--url', agentUrl, '--name', name], {
      env: { ...process.env, CERTYARD_AGENT_TOKEN: token },
    });
    return data;
  }

  async joinAgent(token) {
    this.agentData = await this.join(token, 'agent-north', 'agent');
  }

  async addNodes() {
    if (this.agentData === undefined) throw new Error('no agent has joined');
    for (const node of this.nodes) {
      const child = run(this.agent, [
        'node',
        'add',
        '--data',
        this.agentData,
        '--cluster',
        node.cluster,
        '--product',
        node.product,
        '--version',
        String(node.version),
        '--name',
        node.name,
        '--address',
        node.address,
        '--role',
        node.role,
        '--connector',
        'cisco_uc',
        // What the API cannot do goes by the command line.
        '--ssh-port',
        node.ssh.split(':').pop(),
        '--user',
        node.user,
        '--password-stdin',
      ]);
      child.child.stdin.end(node.password);
      await child;
    }
  }

  startAgent() {
    this.agentProcess = this.start('agent', this.agent, [
      'run',
      '--data',
      this.agentData,
      '--start-jitter-seconds',
      '0',
    ]);
  }

  /** The whole inventory is in: every node was read. */
  async waitForInventory() {
    await until(
      'the inventory of every node',
      async () => {
        const { items } = await this.api('GET', '/nodes?limit=200');
        return items.length >= this.nodes.length && items.every((node) => node.inventory_at);
      },
      180,
    );
  }

  async sign(csr, out, format = 'p7b') {
    await run(this.certyard, ['lab', 'sign', csr, '--data', this.labData, '--out', out, '--format', format]);
  }

  /** Gives a node a fault as `certyard lab up --help` explains them; `none` ends all of its faults. */
  async fault(node, what) {
    await run(this.certyard, ['lab', 'fault', `${node}:${what}`, '--data', this.labData]);
  }

  async restart(node) {
    await run(this.certyard, ['lab', 'restart', node, '--data', this.labData]);
  }

  async stop() {
    for (const child of this.children.reverse()) {
      if (child.exitCode !== null) continue;
      // One that stands still hears nothing else.
      child.kill('SIGCONT');
      child.kill('SIGTERM');
    }
    await Promise.all(
      this.children.map((child) =>
        child.exitCode !== null || child.signalCode !== null
          ? null
          : new Promise((resolve) => {
              const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
              child.on('exit', () => {
                clearTimeout(timer);
                resolve();
              });
            }),
      ),
    );
    if (process.env.E2E_KEEP === undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}
