/* Owns the journey of a clip and a like: A posts, B who follows A sees it first, it plays, B likes it and
 * watches it to the end, and the counts come back right, also when the same events are sent again. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Person } from './lib/api.mjs';
import { onScreen, open, signIn, swipe } from './lib/browser.mjs';
import { makeClip, realClip } from './lib/media.mjs';
import { until } from './lib/tap.mjs';

const READY_MS = 240000;
const COUNTED_MS = 60000;

/** `world` has base, browser, folder, run (a word that makes names new), page-wide hooks of main.mjs. */
export function journey(world) {
  const { base, browser, folder, run } = world;
  const names = { a: `ada_${run}`, b: `bea_${run}`, c: `cem_${run}` };
  let a;
  let b;
  let creator;
  let viewer;
  let reelId;
  let others;
  let watched;

  const playing = async (view) => {
    const first = await until('a reel that plays', async () => {
      const now = await onScreen(view.page);
      return now.currentTime > 0.1 && now.frames > 1 && now;
    });
    return until('time and frames that grow', async () => {
      const now = await onScreen(view.page);
      return now.reelId === first.reelId && now.currentTime > first.currentTime && now.frames > first.frames + 5 && now;
    });
  };

  return {
    'A signs in': async () => {
      creator = await open(browser, base);
      world.watch(creator);
      await signIn(creator.page, names.a);
    },

    'A posts a clip, and sees it go': async () => {
      const { page } = creator;
      const clip = realClip() ?? makeClip(folder, 'a.mp4', { seconds: 7 });
      const before = creator.seen.requests.length;
      await page.getByRole('button', { name: 'Post a reel' }).first().click();
      await page.getByLabel('Choose a video').setInputFiles(clip);
      await page.getByLabel('Caption').fill('Watched to the end');
      await page.getByRole('button', { name: 'Post', exact: true }).last().click();
      await page.getByText(/Processing|Your reel is ready/).first().waitFor({ timeout: READY_MS });
      const tus = creator.seen.requests.slice(before).filter(({ path }) => path.startsWith('/v1/uploads'));
      assert.deepEqual([...new Set(tus.map(({ method }) => method))], ['POST', 'PATCH'], 'it goes over tus');
      const patch = tus.find(({ method }) => method === 'PATCH');
      assert.match(patch.headers['upload-checksum'] ?? '', /^sha256 /, 'with a digest of its bytes');
    },

    'the clip becomes READY, and its creator is told': async () => {
      await creator.page.getByText('Your reel is ready').first().waitFor({ timeout: READY_MS });
      a = await Person.signIn(base, names.a);
      const { items } = await a.get(`/v1/users/${a.id}/reels`);
      assert.equal(items.length, 1);
      reelId = items[0].id;
      assert.equal(items[0].state, 'READY');
      assert.equal(items[0].caption, 'Watched to the end');
      assert.deepEqual(items[0].counts, { views: 0, likes: 0, comments: 0, shares: 0, completions: 0 });
    },

    'a stranger posts two more, later': async () => {
      const c = await Person.signIn(base, names.c);
      others = [];
      for (const tone of [440, 550]) {
        const clip = makeClip(folder, `c${tone}.mp4`, { tone, seconds: 5, picture: 'testsrc' });
        others.push(await c.post(readFileSync(clip), `A tone of ${tone} Hz`));
      }
      for (const id of others) {
        await until(`reel ${id} to be READY`, async () => (await c.reel(id)).state === 'READY', { withinMs: READY_MS, everyMs: 500 });
      }
    },

    'B follows A': async () => {
      viewer = await open(browser, `${base}/u/${a.id}`, { phone: true });
      world.watch(viewer);
      await signIn(viewer.page, names.b);
      b = await Person.signIn(base, names.b);
      await viewer.page.goto(`${base}/u/${a.id}`);
      await viewer.page.getByRole('button', { name: 'Follow', exact: true }).click();
      await until('the follow to be known', async () => (await b.get(`/v1/users/${a.id}`)).followed);
    },

    "B sees A's clip first in the feed": async () => {
      await until(
        'the follow to show in the feed',
        async () => (await b.get('/v1/feed')).items[0]?.id === reelId,
        { withinMs: 15000, everyMs: 500 },
      );
      await viewer.page.goto(base);
      await viewer.page.locator('.card[data-reel]').first().waitFor();
      assert.equal((await onScreen(viewer.page)).reelId, reelId);
    },

    'it plays: time advances and frames are decoded': async () => {
      const now = await playing(viewer);
      assert.equal(now.reelId, reelId);
    },

    'B likes it': async () => {
      const like = viewer.page.locator(`.card[data-reel="${reelId}"] .action-like`);
      assert.equal(await like.getAttribute('aria-pressed'), 'false');
      await like.click();
      assert.equal(await like.getAttribute('aria-pressed'), 'true');
      await until('the like to be known', async () => (await b.reel(reelId)).liked);
    },

    'B watches it to the end': async () => {
      await until(
        'the completion to be sent',
        () => eventsSent(viewer).some(({ type, reel_id }) => type === 'complete' && reel_id === reelId),
        { withinMs: 60000 },
      );
    },

    'B swipes, and the next one plays': async () => {
      await swipe(viewer.page);
      await until('another reel', async () => (await onScreen(viewer.page)).reelId !== reelId);
      const now = await playing(viewer);
      assert.ok(others.includes(now.reelId) || !world.fresh, 'it is one of the stranger');
    },

    'exactly 1 like, 1 three-second view and 1 completion are counted': async () => {
      /* Events of one reel are counted in their order: when the share is there, all before it are. */
      await settle(1);
      const { counts } = await a.reel(reelId);
      assert.deepEqual(counts, { views: 1, likes: 1, comments: 0, shares: 1, completions: 1 });
    },

    'the same events sent again count nothing': async () => {
      watched = eventsSent(viewer).filter(({ reel_id }) => reel_id === reelId);
      assert.ok(watched.some(({ type }) => type === 'view_3s'));
      const answer = await b.send('POST', '/v1/events', { events: watched });
      assert.equal(answer.rejected.length, 0);
      await b.send('PUT', `/v1/reels/${reelId}/like`);
      await settle(2);
      const { counts } = await a.reel(reelId);
      assert.deepEqual(counts, { views: 1, likes: 1, comments: 0, shares: 2, completions: 1 });
    },

    'it is not in the feed of B again': async () => {
      const { items } = await b.get('/v1/feed');
      assert.ok(!items.some(({ id }) => id === reelId));
    },

    'no page complained': async () => {
      assert.deepEqual([...creator.seen.errors, ...viewer.seen.errors], []);
      await creator.context.close();
      await viewer.context.close();
    },
  };

  /** Shares the reel once more, and waits until as many shares are counted. */
  async function settle(shares) {
    const session = randomBytes(8).toString('hex');
    await b.send('POST', '/v1/events', { events: [{ type: 'share', reel_id: reelId, session, sequence: 1, playback: 1 }] });
    await until(`${shares} shares to be counted`, async () => (await a.reel(reelId)).counts.shares === shares, { withinMs: COUNTED_MS, everyMs: 250 });
  }
}

/** The events that a page has sent, each once. */
export function eventsSent(view) {
  const sent = new Map();
  for (const { path, body } of view.seen.requests) {
    if (path !== '/v1/events' || !body) continue;
    for (const event of JSON.parse(body).events) sent.set(`${event.session} ${event.sequence}`, event);
  }
  return [...sent.values()];
}
