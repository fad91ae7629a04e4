/* Owns what is reported to the server. Every event gets the next sequence number of this start of the
 * app and lies in storage until the server has taken it; (session, sequence) makes a repeat harmless.
 * Batches go in order, one at a time. What an earlier start left behind is sent by the next one. */

import { api, session as who } from './api.js';
import { keys, load, save } from './store.js';

const BATCH_MAX = 50;
const QUEUE_MAX = 2000;
const FLUSH_MS = 4000;
const SOON_MS = 400;
const WAIT_MS_MAX = 30000;
/* Browsers carry at most 64 KiB of bodies beyond the end of a page. */
const LAST_BATCH_MAX = 100;
const URGENT = new Set(['view_3s', 'complete', 'share', 'not_interested', 'report']);

function makeSession() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

class Reporter {
  #session = makeSession();
  #sequence = 0;
  #playback = 0;
  #queues = new Map(); /* storage key -> events not yet taken */
  #timer = 0;
  #dueMs = 0;
  #sending = false;
  #waitMs = 0;

  constructor() {
    addEventListener('pagehide', () => this.#sendLast());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.#sendLast();
    });
    addEventListener('online', () => this.#schedule(0));
  }

  /** Looks for what earlier starts of the same person left. */
  adopt() {
    for (const key of keys(`events.${who.user.id}.`)) {
      const events = load(key, []);
      if (events.length) this.#queues.set(key, events);
      else save(key, null);
    }
    this.#schedule(FLUSH_MS);
  }

  newPlayback() {
    return ++this.#playback;
  }

  report(type, reelId, playback, more = {}) {
    if (!who.user) return;
    const key = `events.${who.user.id}.${this.#session}`;
    const queue = this.#queues.get(key) ?? [];
    if (queue.length >= QUEUE_MAX) return;
    queue.push({
      type,
      reel_id: reelId,
      session: this.#session,
      sequence: ++this.#sequence,
      playback,
      watch_ms: Math.round(more.watchMs ?? 0),
      position_ms: Math.round(more.positionMs ?? 0),
      ...(more.reason ? { reason: more.reason } : {}),
      time_ms: Date.now(),
    });
    this.#queues.set(key, queue);
    save(key, queue);
    this.#schedule(URGENT.has(type) || queue.length >= BATCH_MAX ? SOON_MS : FLUSH_MS);
  }

  #next() {
    const mine = who.user && `events.${who.user.id}.`;
    for (const [key, queue] of this.#queues) {
      if (mine && key.startsWith(mine) && queue.length) return [key, queue];
    }
    return null;
  }

  #schedule(ms) {
    const due = performance.now() + Math.max(ms, this.#waitMs);
    if (this.#timer && this.#dueMs <= due) return;
    clearTimeout(this.#timer);
    this.#dueMs = due;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#send();
    }, due - performance.now());
  }

  async #send() {
    const next = this.#next();
    if (!next || this.#sending) return;
    const [key, queue] = next;
    const batch = queue.slice(0, BATCH_MAX);
    this.#sending = true;
    try {
      await api.events(batch);
      this.#waitMs = 0;
      this.#drop(key, batch);
    } catch (error) {
      if (error.mayPass) {
        this.#waitMs = Math.min(WAIT_MS_MAX, Math.max(1000, this.#waitMs * 2, (error.retryAfterS ?? 0) * 1000));
      } else if (error.status !== 401) {
        /* The server cannot read this batch and never will. */
        console.warn('events refused:', error.code, error.message);
        this.#drop(key, batch);
      }
    } finally {
      this.#sending = false;
    }
    if (this.#next()) this.#schedule(this.#waitMs || SOON_MS);
  }

  #drop(key, batch) {
    const last = batch[batch.length - 1].sequence;
    /* Another tab may be adding to a queue that is not ours. */
    const queue = key.endsWith(this.#session) ? this.#queues.get(key) : load(key, []);
    const rest = (queue ?? []).filter((event) => event.sequence > last);
    if (rest.length) this.#queues.set(key, rest);
    else this.#queues.delete(key);
    save(key, rest.length ? rest : null);
  }

  /** The page may go: everything unsent leaves with it. It stays stored until an answer is seen. */
  #sendLast() {
    const next = this.#next();
    if (!next) return;
    const [key, queue] = next;
    const batch = queue.slice(0, LAST_BATCH_MAX);
    api.events(batch, { keepalive: true }).then(
      () => this.#drop(key, batch),
      () => {},
    );
  }
}

export const reporter = new Reporter();

const VIEW_MS = 3000;
/* What one report may tell of; the server takes no more. */
const WATCH_MS_MAX = 60000;
const WATCH_EVERY_MS = 5000;
/* A playhead that jumps by more was moved, not watched. */
const STEP_S_MAX = 1.5;

/** One playback: from a reel's coming on screen to its leaving. Each milestone is reported once. */
export class Playback {
  #reel;
  #number = reporter.newPlayback();
  #watchedMs = 0;
  #reportedMs = 0;
  #lastS = 0;
  #viewed = false;
  #completed = false;
  #ended = false;

  constructor(reel) {
    this.#reel = reel;
    reporter.report('impression', reel.id, this.#number);
  }

  get number() {
    return this.#number;
  }

  #report(type, watchMs, positionS) {
    reporter.report(type, this.#reel.id, this.#number, { watchMs, positionMs: (positionS ?? this.#lastS) * 1000 });
  }

  #watch() {
    const ms = Math.min(WATCH_MS_MAX, Math.round(this.#watchedMs - this.#reportedMs));
    if (ms <= 0) return;
    this.#reportedMs += ms;
    this.#report('watch', ms);
  }

  #view() {
    if (this.#viewed) return;
    this.#viewed = true;
    this.#report('view_3s', this.#watchedMs);
  }

  /** The playhead is at `positionS`, by playing if `playing`. */
  tick(positionS, playing) {
    if (this.#ended) return;
    const step = positionS - this.#lastS;
    this.#lastS = positionS;
    if (playing && step > 0 && step < STEP_S_MAX) this.#watchedMs += step * 1000;
    if (this.#watchedMs >= VIEW_MS) this.#view();
    if (this.#watchedMs - this.#reportedMs >= WATCH_EVERY_MS) this.#watch();
  }

  /** The end was played to. */
  reachedEnd(durationS) {
    if (this.#ended) return;
    this.tick(durationS, true);
    if (durationS * 1000 <= VIEW_MS && this.#watchedMs >= durationS * 900) this.#view();
    if (!this.#completed) {
      this.#completed = true;
      this.#report('complete', 0, durationS);
    }
    this.#lastS = 0;
  }

  replays() {
    if (!this.#ended) this.#report('replay', 0, 0);
  }

  /** What was watched so far is reported; the playback may go on. */
  flush() {
    if (!this.#ended) this.#watch();
  }

  end(moved) {
    if (this.#ended) return;
    this.#watch();
    if (moved && this.#watchedMs < VIEW_MS && !this.#completed) this.#report('skip', 0);
    this.#ended = true;
  }
}
