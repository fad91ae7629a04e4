/* Owns the reels and people this page knows, and the viewer's relations to them. A relation changes
 * here at once and is taken back when the server refuses; everybody who shows it hears of both. */

import { api } from './api.js';
import { Emitter, load } from './store.js';
import { toastError } from './ui.js';

const COUNTED = { like: ['liked', 'likes'], save: ['saved', null] };
const PERSONAL = { follow: 'followed', mute: 'muted', block: 'blocked' };

export const changes = new Emitter();

const reels = new Map();
const relations = new Map(); /* what was last asked for, by "kind id" */

/** Takes reels as the server tells them; the same reel is the same object everywhere. */
export function learn(list) {
  return list.map((told) => {
    const known = reels.get(told.id);
    if (!known) {
      reels.set(told.id, told);
      return told;
    }
    Object.assign(known, told);
    changes.emit('reel', known);
    return known;
  });
}

export function forget() {
  reels.clear();
  relations.clear();
}

async function ordered(name, wanted, run) {
  relations.set(name, wanted);
  try {
    await run();
    return true;
  } catch (error) {
    toastError(error);
    return relations.get(name) !== wanted; /* a later wish decides */
  }
}

export async function setReel(reel, kind, on) {
  const [flag, counter] = COUNTED[kind];
  if (reel[flag] === on) return;
  const apply = (value) => {
    if (reel[flag] === value) return;
    reel[flag] = value;
    if (counter) reel.counts[counter] = Math.max(0, reel.counts[counter] + (value ? 1 : -1));
    changes.emit('reel', reel);
  };
  apply(on);
  if (!(await ordered(`${kind} ${reel.id}`, on, () => api.setReel(reel.id, kind, on)))) apply(!on);
}

export async function setUser(userId, kind, on) {
  const apply = (value) => {
    if (kind === 'follow') {
      for (const reel of reels.values()) {
        if (reel.creator.id !== userId || reel.creator.followed === value) continue;
        reel.creator.followed = value;
        changes.emit('reel', reel);
      }
    }
    changes.emit('user', userId, PERSONAL[kind], value);
  };
  apply(on);
  const done = await ordered(`${kind} ${userId}`, on, () => api.setUser(userId, kind, on));
  if (!done) apply(!on);
  return done;
}

/** One page after the other of anything that comes in pages. */
class Pages {
  items = [];
  done = false;
  cursor = null;
  #asking = null;

  more() {
    if (this.done) return Promise.resolve([]);
    this.#asking ??= this.ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  take(page) {
    const known = new Set(this.items.map((item) => item.id));
    const fresh = page.items.filter((item) => !known.has(item.id));
    this.items.push(...fresh);
    this.cursor = page.next_cursor;
    this.done = page.next_cursor === null;
    return fresh;
  }
}

/** What the plan may go by: how large a reel is shown here, and how fast the line was. */
function hints() {
  const screen = Math.round(Math.min(innerWidth, (innerHeight * 9) / 16) * (devicePixelRatio || 1));
  const bitrate = load('bitrate');
  return { short_side: Math.min(4320, Math.max(144, screen)), ...(bitrate ? { throughput_bps: bitrate } : {}) };
}

/** The feed, with the plan of what to fetch ahead; it may begin with reels of one's choice. */
export class Feed extends Pages {
  #plan = new Map();

  constructor(first = []) {
    super();
    this.items.push(...first);
  }

  async ask() {
    const page = await api.feed(this.cursor, hints());
    for (const step of page.prefetch) {
      if (!this.#plan.has(step.reel_id)) this.#plan.set(step.reel_id, []);
      this.#plan.get(step.reel_id).push(step);
    }
    return this.take({ ...page, items: learn(page.items) });
  }

  plan(reels) {
    return reels.flatMap((reel) => this.#plan.get(reel.id) ?? []);
  }
}

/** A list of reels such as a person's; `only` keeps those that play. */
export class ReelList extends Pages {
  #page;

  constructor(page) {
    super();
    this.#page = page;
  }

  async ask() {
    const page = await this.#page(this.cursor);
    return this.take({ ...page, items: learn(page.items) });
  }
}

/** The reels of a list that can be watched, for the stage. */
export class Playable {
  constructor(list) {
    this.list = list;
  }

  get items() {
    return this.list.items.filter((reel) => reel.state === 'READY');
  }

  get done() {
    return this.list.done;
  }

  async more() {
    return (await this.list.more()).filter((reel) => reel.state === 'READY');
  }

  plan() {
    return [];
  }
}

export class Comments extends Pages {
  constructor(reel) {
    super();
    this.reel = reel;
  }

  async ask() {
    return this.take(await api.comments(this.reel.id, this.cursor));
  }
}
