/* Owns the browser: headless Chromium, with what a test wants to know of its pages written down. */

import { chromium } from 'playwright-core';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const DESKTOP = { viewport: { width: 1440, height: 900 } };
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });
}

/** A person's own browser: separate storage, one page. `seen` holds requests, complaints and errors. */
export async function open(browser, base, { phone = false } = {}) {
  const context = await browser.newContext(phone ? PHONE : DESKTOP);
  const page = await context.newPage();
  const seen = { requests: [], errors: [] };
  page.on('request', (request) => {
    const { pathname, protocol } = new URL(request.url());
    if (protocol === 'blob:' || protocol === 'data:') return;
    seen.requests.push({
      method: request.method(),
      path: pathname,
      headers: request.headers(),
      body: pathname === '/v1/events' ? request.postData() : null,
      atMs: Date.now(),
    });
  });
  page.on('pageerror', (error) => seen.errors.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) seen.errors.push(message.text());
  });
  await page.goto(base);
  return { context, page, seen };
}

export async function signIn(page, name) {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('navigation', { name: 'Main' }).getByText('For you').waitFor();
}

/** What the card on screen and its video say. */
export function onScreen(page) {
  return page.evaluate(() => {
    const card = document.querySelector('.card:not([inert])[data-reel]');
    const video = card?.querySelector('video');
    return {
      reelId: card?.dataset.reel ?? null,
      currentTime: video?.currentTime ?? -1,
      duration: video?.duration ?? NaN,
      frames: video?.getVideoPlaybackQuality().totalVideoFrames ?? -1,
      paused: video?.paused ?? true,
    };
  });
}

/** A finger flicks up, 240 pixels in a tenth of a second: the next reel comes. */
export async function swipe(page) {
  const client = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize();
  let timestamp = Date.now() / 1000;
  const touch = (type, y) =>
    client.send('Input.dispatchTouchEvent', { type, timestamp, touchPoints: y === null ? [] : [{ x: width / 2, y }] });
  const from = height * 0.7;
  await touch('touchStart', from);
  for (let moved = 40; moved <= 240; moved += 40) {
    timestamp += 0.016;
    await touch('touchMove', from - moved);
  }
  timestamp += 0.016;
  await touch('touchEnd', null);
  await client.detach();
}
