/* Owns a run: the server (one of its own, or one that is there), the browser, the suites in order, and
 * what is left behind for looking at when a case fails. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { app } from './app.mjs';
import { crash } from './crash.mjs';
import { journey } from './journey.mjs';
import { launch } from './lib/browser.mjs';
import { Server } from './lib/server.mjs';
import { Tap } from './lib/tap.mjs';

const suites = { journey, app, crash };
const OWN_SERVER = new Set(['crash']); /* these kill it */

const { values: options } = parseArgs({
  options: { base: { type: 'string' }, server: { type: 'string' }, only: { type: 'string' } },
});
if (options.only && !suites[options.only]) {
  console.error(`tests/browser/run: no suite "${options.only}"; there are ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}

const base = options.base ?? process.env.REELS_BASE_URL ?? null;
const folder = mkdtempSync(join(tmpdir(), 'reels-browser-'));
const program = base ? null : Server.find(options.server ?? process.env.REELS_SERVER);
if (!base && !program) {
  console.log('1..0 # SKIP the demo server is not built: give --base URL or --server PROGRAM');
  process.exit(0);
}

const tap = new Tap();
let server = null;
let browser = null;
let failed = false;
const views = [];
try {
  if (program) {
    server = new Server(program, join(folder, 'data'));
    await server.start();
  }
  browser = await launch();
  tap.comment(`Chromium ${browser.version()}, ${server ? program : base}`);
  const world = {
    base: server?.base ?? base.replace(/\/$/, ''),
    browser,
    folder,
    server,
    tap,
    fresh: Boolean(server),
    run: Date.now().toString(36),
    watch: (view) => views.push(view),
  };
  const evidence = async (name) => {
    failed = true;
    for (const [i, { page, seen }] of views.entries()) {
      if (page.isClosed()) continue;
      const path = join(folder, `${name.replace(/\W+/g, '-')}-${i}.png`);
      await page.screenshot({ path });
      tap.comment(`page ${i}: ${page.url()} ${path}`);
      for (const error of seen.errors) tap.comment(error);
      for (const { method, path: asked } of seen.requests.slice(-12)) tap.comment(`  ${method} ${asked}`);
    }
  };
  for (const [name, make] of Object.entries(suites)) {
    if (options.only && options.only !== name) continue;
    if (OWN_SERVER.has(name) && !server) {
      tap.skip(name, 'it kills the server, and this one is not its own');
      continue;
    }
    await tap.suite(name, make(world), evidence);
    views.length = 0;
  }
} finally {
  await browser?.close();
  await server?.stop();
}
const status = tap.end();
if (failed) tap.comment(`kept: ${folder}`);
else rmSync(folder, { recursive: true, force: true });
process.exit(status);
