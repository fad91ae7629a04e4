/* Owns a demo server of the test's own: started on a free port of 127.0.0.1 over a folder, stopped in
 * order or killed outright, and started again over the same folder and port. */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './tap.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const STOP_MS = 20000;

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export class Server {
  #child = null;

  constructor(program, data) {
    this.program = program;
    this.data = data;
    this.port = null;
    this.starts = 0;
  }

  /** The program that was named, which must be there, or that of the ordinary build, or null. */
  static find(named) {
    const program = named ? resolve(named) : join(ROOT, 'build/examples/platform/reels-platform');
    if (existsSync(program)) return program;
    if (named) throw new Error(`there is no ${program}`);
    return null;
  }

  get base() {
    return `http://127.0.0.1:${this.port}`;
  }

  get log() {
    return `${this.data}.log`;
  }

  async start() {
    this.port ??= await freePort();
    mkdirSync(this.data, { recursive: true });
    const log = openSync(this.log, 'a');
    this.starts += 1;
    /* In a build folder, the worker that belongs to it. */
    const worker = join(dirname(this.program), '../../src/media_worker/reels-media-worker');
    const child = spawn(
      this.program,
      ['--data', this.data, '--port', String(this.port), ...(existsSync(worker) ? ['--media-worker', worker] : [])],
      { stdio: ['ignore', log, log] },
    );
    this.#child = child;
    child.gone = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
    await until('the server to be well', async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}; see ${this.log}`);
      return (await fetch(`${this.base}/healthz`)).ok;
    });
  }

  /** As power loss does it, but for what the kernel holds. */
  async kill9() {
    this.#child.kill('SIGKILL');
    await this.#child.gone;
  }

  async stop() {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await child.gone;
    clearTimeout(timer);
  }
}
