/* Plays ladders to their end in headless Chromium, through hls.js and by itself; one JSON line each.
 *
 * Usage: node browser.mjs BASE LADDER=DURATION_S... */

import { launch } from '../../browser/lib/browser.mjs';

const LOOK_MS = 250;
/* Beyond its own duration: a busy machine may take long to begin and to go on. */
const EXTRA_MS = 60000;

async function play(context, base, ladder, durationS, way) {
  const page = await context.newPage();
  const looks = [];
  let last = null;
  try {
    await page.goto(`${base}/here/page.html?way=${way}&src=/${ladder}/master.m3u8`);
    await page.waitForFunction(() => window.look);
    const until = Date.now() + durationS * 4000 + EXTRA_MS;
    do {
      last = await page.evaluate(() => window.look());
      looks.push([last.time, last.frames]);
      if (way === 'native' && last.native === '') break;
      await page.waitForTimeout(LOOK_MS);
    } while (!last.ended && last.error === null && Date.now() < until);
  } catch (error) {
    last = { ...last, error: String(error) };
  } finally {
    await page.close();
  }
  console.log(JSON.stringify({ ladder, way, looks, ...last }));
}

const [base, ...ladders] = process.argv.slice(2);
const browser = await launch();
try {
  const context = await browser.newContext();
  for (const item of ladders) {
    const [ladder, durationS] = item.split('=');
    for (const way of ['hls.js', 'native']) await play(context, base, ladder, Number(durationS), way);
  }
} finally {
  await browser.close();
}
