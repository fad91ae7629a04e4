/* Owns the same journey under kill -9: the server dies at random moments and comes back, while a clip is
 * transcoded, and while it is liked and watched. What was counted once stays counted once. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Person } from './lib/api.mjs';
import { onScreen, open, signIn } from './lib/browser.mjs';
import { makeClip } from './lib/media.mjs';
import { until } from './lib/tap.mjs';

const READY_MS = 240000;
const COUNTED_MS = 60000;
const KILLS = 8;
const ALIVE_MS = [150, 1600]; /* between which moments it is killed */

export function crash(world) {
  const { base, browser, server, folder, run, tap } = world;
  let a;
  let b;
  let viewer;
  let reelId;

  /** Kills and starts again until told to stop, or `times` times. */
  const chaos = (times) => {
    let stopped = false;
    let kills = 0;
    const over = (async () => {
      while (!stopped && kills < times) {
        const aliveMs = ALIVE_MS[0] + Math.random() * (ALIVE_MS[1] - ALIVE_MS[0]);
        await new Promise((resolve) => setTimeout(resolve, aliveMs));
        await server.kill9();
        kills += 1;
        await server.start();
        tap.comment(`killed after ${Math.round(aliveMs)} ms`);
      }
    })();
    return { over, stop: () => ((stopped = true), over) };
  };

  /* The server may be dead just now: that is no answer. */
  const patiently = (what, ask, withinMs = READY_MS) => until(what, ask, { withinMs, everyMs: 250 });

  return {
    'a clip becomes READY though the server dies while it is transcoded': async () => {
      a = await Person.signIn(base, `ana_${run}`);
      const clip = makeClip(folder, 'crash.mp4', { seconds: 6, tone: 610, size: '720x1280' });
      reelId = await a.post(readFileSync(clip), 'Under fire');
      const killing = chaos(3);
      await killing.over;
      await patiently('the reel to be READY', async () => {
        const reel = await a.reel(reelId);
        assert.notEqual(reel.state, 'FAILED', reel.failure?.message);
        return reel.state === 'READY';
      });
    },

    'a follower has it on screen': async () => {
      viewer = await open(browser, `${base}/u/${a.id}`);
      world.watch(viewer);
      await signIn(viewer.page, `bo_${run}`);
      b = await Person.signIn(base, `bo_${run}`);
      await b.send('PUT', `/v1/users/${a.id}/follow`);
      await until('it to be first', async () => (await b.get('/v1/feed')).items[0]?.id === reelId, { withinMs: 15000, everyMs: 500 });
      await viewer.page.goto(base);
      await until('all of it to be loaded', () =>
        viewer.page.evaluate(
          (id) => {
            const video = document.querySelector(`.card[data-reel="${id}"] video`);
            return video?.duration > 0 && video.buffered.length > 0 && video.buffered.end(video.buffered.length - 1) > video.duration - 0.5;
          },
          reelId,
        ),
      );
    },

    'it is liked and watched to the end while the server dies again and again': async () => {
      const { page } = viewer;
      const killing = chaos(KILLS);
      const like = page.locator(`.card[data-reel="${reelId}"] .action-like`);
      await patiently('the like to be known', async () => {
        if ((await like.getAttribute('aria-pressed')) === 'false') await like.click();
        return (await b.reel(reelId)).liked && (await like.getAttribute('aria-pressed')) === 'true';
      });
      await until('the end to be reached', () =>
        viewer.seen.requests.some(({ path, body }) => path === '/v1/events' && body?.includes('"complete"')), { withinMs: READY_MS });
      await killing.over;
      assert.equal((await onScreen(page)).reelId, reelId, 'it is still on screen');
    },

    'all events arrive': async () => {
      await viewer.page.keyboard.press(' '); /* paused, it reports no more */
      await until(
        'storage to be empty',
        () => viewer.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('reels.events.')).length === 0),
        { withinMs: 90000, everyMs: 250 },
      );
    },

    'exactly 1 like, 1 three-second view and 1 completion are counted': async () => {
      await b.send('POST', '/v1/events', { events: [{ type: 'share', reel_id: reelId, session: 'fedcba9876543210', sequence: 1, playback: 1 }] });
      const reel = await until('the share to be counted', async () => {
        const now = await a.reel(reelId);
        return now.counts.shares === 1 && now;
      }, { withinMs: COUNTED_MS, everyMs: 250 });
      assert.deepEqual(reel.counts, { views: 1, likes: 1, comments: 0, shares: 1, completions: 1 });
    },

    'and still after the server was killed once more': async () => {
      await server.kill9();
      await server.start();
      const reel = await patiently('the reel', () => a.reel(reelId));
      assert.deepEqual(reel.counts, { views: 1, likes: 1, comments: 0, shares: 1, completions: 1 });
      assert.ok((await b.reel(reelId)).liked);
      await viewer.context.close();
    },
  };
}
