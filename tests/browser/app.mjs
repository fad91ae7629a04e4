/* Owns what the app itself promises: an upload goes on after a reload, nothing is fetched ahead of the
 * first frames, what was not sent is sent by the next start, and keys and sheets do what they say. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Person } from './lib/api.mjs';
import { onScreen, open, signIn } from './lib/browser.mjs';
import { makeClip, padded } from './lib/media.mjs';
import { until } from './lib/tap.mjs';
import { eventsSent } from './journey.mjs';

const READY_MS = 240000;
const PART_BYTES = 8 << 20;

export function app(world) {
  const { base, browser, folder, run } = world;
  let creator;
  let viewer;
  let a;
  let reels;

  return {
    'an upload that a reload interrupts goes on where it stopped': async () => {
      creator = await open(browser, base);
      world.watch(creator);
      const { page, seen } = creator;
      await signIn(page, `dora_${run}`);
      a = await Person.signIn(base, `dora_${run}`);
      const bytes = padded(makeClip(folder, 'padded.mp4', { seconds: 5 }), 2 * PART_BYTES + 5000);

      const path = join(folder, 'padded-to-parts.mp4');
      writeFileSync(path, bytes);
      /* A slow line: the second part is on its way when the page goes. */
      const client = await page.context().newCDPSession(page);
      await client.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: PART_BYTES / 2 });
      await page.getByRole('button', { name: 'Post a reel' }).first().click();
      await page.getByLabel('Choose a video').setInputFiles(path);
      await page.getByRole('button', { name: 'Post', exact: true }).last().click();
      await until('the second part to be tried', () => seen.requests.some(({ method, headers }) => method === 'PATCH' && headers['upload-offset'] === String(PART_BYTES)));
      const before = seen.requests.length;
      await page.reload();
      await client.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
      const { items } = await a.get(`/v1/users/${a.id}/reels`);
      assert.equal(items.length, 1, 'one reel was begun');
      await until('the reel to be READY', async () => (await a.reel(items[0].id)).state === 'READY', { withinMs: READY_MS, everyMs: 500 });
      const after = seen.requests.slice(before).filter(({ path }) => path.startsWith('/v1/uploads'));
      assert.equal(after[0].method, 'HEAD', 'the server is asked first');
      assert.ok(!after.some(({ method }) => method === 'POST'), 'no second upload is begun');
      assert.equal(after.find(({ method }) => method === 'PATCH').headers['upload-offset'], String(PART_BYTES));
      await page.getByText('Your reel is ready').first().waitFor({ timeout: READY_MS });
    },

    'a file that is no video is refused, with the reason': async () => {
      const { page } = creator;
      await page.getByRole('button', { name: 'Post a reel' }).first().click();
      await page.getByText('Post another').click();
      await page.getByLabel('Choose a video').setInputFiles({ name: 'fake.mp4', mimeType: 'video/mp4', buffer: Buffer.from('This is no video.\n'.repeat(400)) });
      await page.getByRole('button', { name: 'Post', exact: true }).last().click();
      await page.getByText("This video can't be posted").first().waitFor({ timeout: READY_MS });
      assert.notEqual((await page.locator('.work-text').textContent()).trim(), '');
      await page.getByRole('button', { name: 'Close' }).last().click();
    },

    'some reels are there to watch': async () => {
      reels = [];
      for (const tone of [200, 250, 300, 350, 400, 450, 500]) {
        /* What was once on screen is not in the feed again, so each case takes some. */
        const clip = makeClip(folder, `w${tone}.mp4`, { tone, seconds: 5 });
        reels.push(await a.post(readFileSync(clip), `Clip at ${tone} Hz`));
      }
      for (const id of reels) await until(`reel ${id} to be READY`, async () => (await a.reel(id)).state === 'READY', { withinMs: READY_MS, everyMs: 500 });
    },

    'nothing of the next reels is fetched before the first one shows frames': async () => {
      viewer = await open(browser, `${base}/u/${a.id}`);
      world.watch(viewer);
      const { page, seen } = viewer;
      await page.addInitScript(() => {
        document.addEventListener(
          'playing',
          () => {
            window.firstPlayingMs ??= Date.now();
          },
          { capture: true },
        );
      });
      await signIn(page, `eli_${run}`);
      seen.requests.length = 0;
      await page.goto(base);
      await until('a reel that plays', async () => (await onScreen(page)).currentTime > 0.2);
      const first = (await onScreen(page)).reelId;
      const eli = await Person.signIn(base, `eli_${run}`);
      const folderOf = async (id) => (await eli.reel(id)).playlist_url.split('/').slice(3, -1).join('/');
      const others = await Promise.all(reels.filter((id) => id !== first).map(folderOf));
      const isOther = ({ path }) => path.startsWith('/media/') && !path.endsWith('.jpg') && others.some((part) => path.includes(part));
      await until('the next reel to be fetched', () => seen.requests.some(isOther));
      const firstPlayingMs = await page.evaluate(() => window.firstPlayingMs);
      const early = seen.requests.filter((request) => isOther(request) && request.atMs < firstPlayingMs);
      assert.deepEqual(early.map(({ path }) => path), []);
    },

    'what was fetched ahead is played from the cache': async () => {
      const { page } = viewer;
      await page.addInitScript(keepFeed);
      const asked = await answers(page);
      await page.reload();
      const first = await until('a reel that plays', async () => {
        const now = await onScreen(page);
        return now.currentTime > 0.2 && now;
      });
      const planned = await until('the plan of the next reel to be carried out', async () => {
        const feed = await page.evaluate(() => window.feedSeen);
        const next = feed.items[feed.items.findIndex(({ id }) => id === first.reelId) + 1].id;
        const steps = feed.prefetch.filter(({ reel_id }) => reel_id === next);
        assert.ok(steps.length > 0, 'there is a plan');
        return steps.every(({ url, range }) => asked.some((one) => one.path === url && one.range === range)) && steps;
      });
      /* Whatever the player asks for within a planned range, it gets without the network. */
      const within = (one, step) => {
        if (one.path !== step.url) return false;
        if (step.range === null) return true;
        const [from, to] = one.range?.match(/\d+/g)?.map(Number) ?? [0, Infinity];
        const [planFrom, planTo] = step.range.match(/\d+/g).map(Number);
        return from >= planFrom && to <= planTo;
      };
      await page.keyboard.press('j');
      await until('the next reel to play', async () => {
        const now = await onScreen(page);
        return now.reelId === planned[0].reel_id && now.currentTime > 0.1;
      });
      for (const step of planned) {
        const uses = asked.filter((one) => within(one, step));
        const fromNetwork = uses.filter(({ cached }) => !cached);
        assert.ok(fromNetwork.length <= 1, `${step.url} ${step.range}: at most once over the network, ${JSON.stringify(uses)}`);
        assert.ok(uses.length > 1, `${step.url} is what the player asks for`);
      }
    },

    'keys move, pause, like and save': async () => {
      const { page } = viewer;
      const first = (await onScreen(page)).reelId;
      await page.keyboard.press('j');
      const second = await until('the next reel', async () => {
        const now = await onScreen(page);
        return now.reelId !== first && now.currentTime > 0.1 && now;
      });
      await page.keyboard.press('k');
      await until('the first reel again', async () => (await onScreen(page)).reelId === first);
      await page.keyboard.press('ArrowDown');
      await until('the second reel again', async () => (await onScreen(page)).reelId === second.reelId);
      await page.keyboard.press(' ');
      await until('the pause', async () => (await onScreen(page)).paused);
      await page.keyboard.press(' ');
      await until('it to go on', async () => !(await onScreen(page)).paused);
      await page.keyboard.press('l');
      await page.keyboard.press('s');
      const b = await Person.signIn(base, `eli_${run}`);
      await until('like and save to be known', async () => {
        const reel = await b.reel(second.reelId);
        return reel.liked && reel.saved;
      });
      const saved = await b.get('/v1/me/saved');
      assert.deepEqual(saved.items.map(({ id }) => id), [second.reelId]);
    },

    'a comment is said, shown and taken back': async () => {
      const { page } = viewer;
      await page.keyboard.press('c');
      const field = page.getByLabel('Add a comment');
      await field.fill('Well said <b>here</b>');
      await field.press('Enter');
      await page.getByText('Well said <b>here</b>').waitFor();
      await page.getByLabel('Delete this comment').first().click();
      await page.getByText('Well said <b>here</b>').waitFor({ state: 'detached' });
      await page.locator('.sheet-comments').getByLabel('Close').click();
    },

    'events that could not be sent are sent by the next start, with the same numbers': async () => {
      const { page, context, seen } = viewer;
      await context.route('**/v1/events', (route) => route.abort());
      const here = (await onScreen(page)).reelId;
      await page.keyboard.press('j');
      await until('another reel that plays', async () => {
        const now = await onScreen(page);
        return now.reelId !== here && now.currentTime > 0.3;
      });
      await page.keyboard.press('k');
      const kept = await until('events in storage', () =>
        page.evaluate(() =>
          Object.entries(localStorage)
            .filter(([key]) => key.startsWith('reels.events.'))
            .flatMap(([, value]) => JSON.parse(value))
            .filter(({ type }) => type === 'skip'),
        ).then((events) => events.length && events),
      );
      await context.unroute('**/v1/events');
      seen.requests.length = 0;
      await page.reload();
      await until('them to be sent', () => {
        const sent = eventsSent(viewer);
        return kept.every((event) => sent.some((other) => other.session === event.session && other.sequence === event.sequence && other.type === event.type));
      });
      await until('storage to be empty of them', () =>
        page.evaluate(
          (session) => !Object.keys(localStorage).some((key) => key.endsWith(session)),
          kept[0].session,
        ),
      );
    },

    'a private reel plays for its creator alone': async () => {
      const clip = makeClip(folder, 'private.mp4', { tone: 250, seconds: 4 });
      const id = await a.post(readFileSync(clip), 'For me', 'private');
      await until('it to be READY', async () => (await a.reel(id)).state === 'READY', { withinMs: READY_MS, everyMs: 500 });
      await creator.page.goto(`${base}/r/${id}`);
      await until('it to play for its creator', async () => {
        const now = await onScreen(creator.page);
        return now.reelId === id && now.currentTime > 0.2;
      });
      await viewer.page.goto(`${base}/r/${id}`);
      await viewer.page.getByText('This reel is not here').waitFor();
    },

    'a block takes what a person posted off their page, and its end brings it back': async () => {
      const { page } = viewer;
      const profile = page.locator('.profile');
      const tiles = () => profile.locator('.tile:not(.skeleton)').count();
      await page.goto(`${base}/u/${a.id}`);
      await until('their reels', async () => (await tiles()) > 0);
      const before = await tiles();
      await profile.getByRole('button', { name: 'More' }).click();
      await page.getByText('Neither of you sees the other').click();
      await page.getByRole('button', { name: 'Block', exact: true }).last().click();
      await profile.getByText('is blocked.').waitFor();
      await until('none', async () => (await tiles()) === 0);
      await page.reload();
      await profile.getByRole('button', { name: 'Unblock' }).click();
      await until('all of them again', async () => (await tiles()) === before);
    },

    'an address that cannot be decoded says that nothing is there': async () => {
      await viewer.page.goto(`${base}/r/%ff`);
      await viewer.page.getByText('This reel is not here').waitFor();
      await viewer.page.goto(`${base}/u/%ff`);
      await viewer.page.getByText('Nobody is here').waitFor();
    },

    'no page complained': async () => {
      assert.deepEqual([...creator.seen.errors, ...viewer.seen.errors], []);
      await creator.context.close();
      await viewer.context.close();
    },
  };
}

/** In the page: keeps the pages of the feed that the app was given, for looking at their plan. */
function keepFeed() {
  window.feedSeen = { items: [], prefetch: [] };
  const plain = window.fetch;
  window.fetch = async (...args) => {
    const answer = await plain(...args);
    if (String(args[0]).startsWith('/v1/feed')) {
      const feed = await answer.clone().json();
      window.feedSeen.items.push(...feed.items);
      window.feedSeen.prefetch.push(...feed.prefetch);
    }
    return answer;
  };
}

/** Writes down every answer about media from now on: path, range, and whether the cache gave it. */
async function answers(page) {
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  const ranges = new Map();
  const list = [];
  client.on('Network.requestWillBeSent', ({ requestId, request }) => {
    const range = Object.entries(request.headers).find(([name]) => name.toLowerCase() === 'range');
    ranges.set(requestId, range?.[1] ?? null);
  });
  client.on('Network.responseReceived', ({ requestId, response }) => {
    const { pathname } = new URL(response.url);
    if (!pathname.startsWith('/media/')) return;
    list.push({ path: pathname, range: ranges.get(requestId) ?? null, cached: response.fromDiskCache === true, requestId });
  });
  client.on('Network.requestServedFromCache', ({ requestId }) => {
    for (const one of list) if (one.requestId === requestId) one.cached = true;
  });
  return list;
}
