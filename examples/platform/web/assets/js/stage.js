/* Owns the stage: a column of cards of which one is on screen, which plays. It decides what loads:
 * the reel on screen first; its neighbours, and what the plan names, once it shows frames. */

import { session } from './api.js';
import { Card, endCard } from './card.js';
import { el, icon, wantsLessMotion } from './dom.js';
import { Playback, reporter } from './events.js';
import { pool, sound } from './player.js';
import { warmer } from './prefetch.js';
import { changes, setReel, setUser } from './reels.js';
import { iconButton, notice, toast, toastError } from './ui.js';

const AROUND = 2; /* cards each side that are built */
const AHEAD = 3; /* reels that are prefetched */
const MORE_WITHIN = 6; /* cards left when more are asked for */
const ENOUGH_S = 4; /* of the reel on screen are there before anything is prefetched */
const LOADING_MS = 350;
const GLIDE_MS = 320;
const WHEEL_PX = 24;
const WHEEL_LINE_PX = 30;
const WHEEL_REST_MS = 180;
const WHEEL_LONG_REST_MS = 500;
const WHEEL_LOCK_MS = 420;
const SEEK_KEY_S = 5;

/* Until the viewer has once decided about sound on this page, a tap on a silent reel means sound. */
let soundDecided = false;

/** Why there is nothing on the stage. */
function explain(error) {
  if (error.code === 'not_ready') {
    return { symbol: 'film', title: 'This reel is not ready', text: 'It is still being processed, or it could not be read.' };
  }
  if (error.status === 404) {
    return { symbol: 'alert', title: 'This reel is not here', text: 'It was taken down, or it is private.' };
  }
  if (error.status === 0) {
    return { symbol: 'wifi', title: "Can't reach the server", text: 'Check your connection. Your place is kept.' };
  }
  return { symbol: 'alert', title: "The feed didn't load", text: error.message };
}

export class Stage {
  /**
   * `source` gives reels (items, more(), done, plan()); `hooks` = {comments, share, menu, upload,
   * refresh, back} are what the stage cannot do by itself.
   */
  constructor(source, hooks, start = 0) {
    this.source = source;
    this.hooks = hooks;
    this.cards = [];
    this.index = -1;
    this.target = start;
    this.glide = 0;
    this.active = false;
    this.userPaused = false;
    this.asking = false;
    this.wheel = { last: -Infinity, free: -Infinity, size: 0, sum: 0, moved: false };
    this.stopListening = [];
    this.scroller = el('div.scroller', { role: 'feed', 'aria-label': 'Reels', 'aria-busy': 'true', tabindex: '-1' });
    this.soundButton = iconButton('muted', 'Sound on', () => this.setSound(!sound.on), 'stage-sound');
    this.arrows = el(
      'div.stage-arrows',
      {},
      iconButton('up', 'Previous reel', () => this.move(-1)),
      iconButton('down', 'Next reel', () => this.move(1)),
    );
    this.root = el(
      'section.stage',
      { 'aria-label': 'Reels' },
      el('h1.visually-hidden', {}, 'Reels'),
      this.scroller,
      el('div.stage-top', {}, hooks.back && iconButton('back', 'Back', hooks.back, 'stage-back'), this.soundButton),
      this.arrows,
    );
    this.scroller.append(el('article.card', { 'aria-hidden': 'true' }, el('div.box', {}, el('div.frame.skeleton'))));
    this.#listen();
  }

  isMine(reel) {
    return reel.creator.id === session.user?.id;
  }

  get card() {
    return this.cards[this.index] ?? null;
  }

  get slot() {
    const card = this.card;
    return card ? pool.find(card.reel) : null;
  }

  #listen() {
    let pending = false;
    this.scroller.addEventListener(
      'scroll',
      () => {
        if (pending) return;
        pending = true;
        requestAnimationFrame(() => {
          pending = false;
          this.#followScroll();
        });
      },
      { passive: true },
    );
    /* A click leaves no focus on a button, so that Space stays with the video. */
    this.root.addEventListener('mousedown', (event) => {
      if (event.target.closest('button')) event.preventDefault();
    });
    this.scroller.addEventListener('touchstart', () => this.#stopGlide(), { passive: true });
    this.scroller.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    const on = (target, name, listener, options) => {
      target.addEventListener(name, listener, options);
      this.stopListening.push(() => target.removeEventListener(name, listener, options));
    };
    /* Capturing, so that the watch events are in the queue when the reporter sends it off. */
    on(document, 'visibilitychange', () => this.#visibility(), { capture: true });
    on(window, 'pagehide', () => this.playback?.flush(), { capture: true });
    on(window, 'resize', () => this.#refit());
    this.stopListening.push(
      changes.on('reel', (reel) => this.cards.find((card) => card.reel.id === reel.id)?.update()),
    );
  }

  #refit() {
    if (!this.active) return;
    this.#jumpTo(this.index);
    for (const card of this.cards) card.fitCaption();
  }

  /** Comes on screen: shows what there is and asks for what is missing. */
  async show() {
    this.active = true;
    if (!this.cards.length) {
      try {
        while (!this.source.items.length && !this.source.done) await this.source.more();
      } catch (error) {
        this.#showError(error);
        return;
      }
      if (!this.active) return;
      this.scroller.replaceChildren();
      this.#grow();
    }
    this.scroller.setAttribute('aria-busy', 'false');
    const index = Math.min(this.index >= 0 ? this.index : this.target, Math.max(0, this.cards.length - 1));
    this.index = -1;
    this.#jumpTo(index);
    this.#setIndex(index);
    this.scroller.focus({ preventScroll: true });
  }

  /** Leaves the screen; the place is kept. */
  hide() {
    this.active = false;
    this.#stopGlide();
    this.#leave(false);
    warmer.cancel();
    pool.closeAll();
  }

  destroy() {
    this.hide();
    for (const stop of this.stopListening) stop();
    this.root.remove();
  }

  #showError(error) {
    const gone = error.status === 404;
    this.scroller.setAttribute('aria-busy', 'false');
    this.root.classList.add('bare');
    this.scroller.replaceChildren(
      el(
        'article.card.card-end',
        {},
        notice({
          ...explain(error),
          action: gone
            ? { label: 'Go to the feed', run: this.hooks.refresh }
            : { label: 'Try again', icon: 'refresh', run: () => this.#reload() },
        }),
      ),
    );
  }

  #reload() {
    this.root.classList.remove('bare');
    this.scroller.setAttribute('aria-busy', 'true');
    this.scroller.replaceChildren(el('article.card', {}, el('div.box', {}, el('div.frame.skeleton'))));
    this.show();
  }

  /** Adds cards for reels that came, and the last card when no more will. */
  #grow() {
    for (const reel of this.source.items.slice(this.cards.length + (this.dropped ?? 0))) {
      const card = new Card(reel, this);
      this.cards.push(card);
      this.scroller.append(card.root);
    }
    this.end?.remove();
    this.end = null;
    if (this.source.done) {
      const button = (label, run, quiet, name) =>
        el(`button.button${quiet ? '.button-quiet' : ''}`, { type: 'button', onclick: run }, icon(name), label);
      this.end = endCard({
        empty: this.cards.length === 0,
        actions: [
          this.hooks.refresh && button('Look again', this.hooks.refresh, false, 'refresh'),
          this.hooks.upload && button('Post a reel', this.hooks.upload, true, 'plus'),
        ],
      });
      this.scroller.append(this.end);
    }
  }

  async #needMore() {
    if (this.asking || this.source.done || this.index < this.cards.length - MORE_WITHIN) return;
    this.asking = true;
    let came = true;
    try {
      const before = this.source.items.length;
      await this.source.more();
      came = this.source.items.length > before || this.source.done;
    } catch (error) {
      if (this.active) toastError(error);
      return;
    } finally {
      this.asking = false;
    }
    this.#grow();
    this.#arrange();
    this.prefetched = false; /* there may be a next one now */
    if (!came) this.#needMore();
  }

  #height() {
    return this.scroller.clientHeight || 1;
  }

  #jumpTo(index) {
    this.#stopGlide();
    this.target = index;
    this.scroller.scrollTop = index * this.#height();
  }

  /* Moves of keys, buttons and wheels are animated here: a second one in midst of the first goes on from
   * where it is, and snapping, which would pull back, rests meanwhile. */
  #glideTo(index) {
    cancelAnimationFrame(this.glide);
    this.target = index;
    const from = this.scroller.scrollTop;
    const beganMs = performance.now();
    this.scroller.classList.add('gliding');
    const step = (nowMs) => {
      const t = wantsLessMotion() ? 1 : Math.min(1, Math.max(0, nowMs - beganMs) / GLIDE_MS);
      const to = index * this.#height();
      this.scroller.scrollTop = from + (to - from) * (1 - (1 - t) ** 3);
      if (t < 1) this.glide = requestAnimationFrame(step);
      else this.#stopGlide();
    };
    this.glide = requestAnimationFrame(step);
  }

  #stopGlide() {
    cancelAnimationFrame(this.glide);
    this.glide = 0;
    this.scroller.classList.remove('gliding');
  }

  /** One on, or one back. */
  move(delta) {
    const last = this.cards.length - 1 + (this.end ? 1 : 0);
    const index = Math.min(last, Math.max(0, this.target + delta));
    if (index !== this.target) this.#glideTo(index);
  }

  #followScroll() {
    if (!this.active) return;
    const index = Math.round(this.scroller.scrollTop / this.#height());
    /* What a glide passes by was not on screen. */
    if (this.glide && index !== this.target) return;
    this.target = index;
    if (index !== this.index) this.#setIndex(index);
  }

  /* A notch of a wheel or a stroke on a trackpad moves by one. What rolls on after a stroke gets smaller
   * and smaller and is ignored; a wheel that is kept turning goes on, one reel at a time. */
  #wheel(event) {
    if (event.ctrlKey || event.target.closest('.expanded .caption')) return;
    event.preventDefault();
    const by = event.deltaY * (event.deltaMode === 1 ? WHEEL_LINE_PX : 1);
    const size = Math.abs(by);
    const wheel = this.wheel;
    /* A busy page sees gaps in a stroke: a short one is a rest only if what follows is no weaker. */
    const gapMs = event.timeStamp - wheel.last;
    const rested = gapMs > WHEEL_LONG_REST_MS || (gapMs > WHEEL_REST_MS && size >= wheel.size);
    const pushed = size >= WHEEL_PX && size >= wheel.size;
    wheel.sum = rested || Math.sign(by) !== Math.sign(wheel.sum) ? by : wheel.sum + by;
    wheel.last = event.timeStamp;
    wheel.size = size;
    if (rested) wheel.moved = false;
    const rolls = wheel.moved && !pushed;
    if (rolls || event.timeStamp < wheel.free || Math.abs(wheel.sum) < WHEEL_PX) return;
    this.move(Math.sign(by));
    wheel.moved = true;
    wheel.sum = 0;
    wheel.free = event.timeStamp + WHEEL_LOCK_MS;
  }

  #setIndex(index) {
    this.#leave(true);
    this.index = index;
    this.#arrange();
    this.hooks.shown?.(this.card?.reel ?? null);
    this.#needMore();
    if (this.card) this.#enter(this.card);
  }

  /** What depends on where each card lies: which are built, which one can be reached, which way on. */
  #arrange() {
    const { index } = this;
    this.cards.forEach((other, i) => {
      const near = Math.abs(i - index) <= AROUND;
      if (near) other.fill();
      else if (Math.abs(i - index) > AROUND + 2 && !pool.find(other.reel)) other.empty();
      other.root.inert = i !== index;
    });
    if (this.end) this.end.inert = index !== this.cards.length;
    this.arrows.firstChild.disabled = index === 0;
    this.arrows.lastChild.disabled = index >= this.cards.length - 1 + (this.end ? 1 : 0);
    this.root.classList.toggle('at-end', !this.card);
    this.root.classList.toggle('bare', !this.cards.length);
  }

  #enter(card) {
    this.userPaused = false;
    this.firstFrame = false;
    this.prefetched = false;
    card.setState('paused', false);
    card.hideFailure();
    const known = pool.find(card.reel);
    const slot = pool.take(card.reel, true);
    card.hold(slot);
    if (!known) card.setState('shown', false);
    slot.listen((name) => this.#heard(card, slot, name));
    this.playback = document.visibilityState === 'visible' ? new Playback(card.reel) : null;
    if (slot.video.currentTime > 0.3 && known) slot.video.currentTime = 0;
    this.#loading(card, true);
    this.#play(card, slot);
    this.#watchFirst(card, slot);
    this.#tickOn(card, slot);
    this.#showSound();
  }

  /** A slot that was loaded ahead has told of its first frame long ago. */
  #watchFirst(card, slot) {
    const seen = () => this.#firstFrame(card);
    if ('requestVideoFrameCallback' in slot.video) slot.video.requestVideoFrameCallback(seen);
    else if (slot.video.readyState >= 2) seen();
  }

  #firstFrame(card) {
    if (this.card !== card || !this.active || this.firstFrame) return;
    this.firstFrame = true;
    card.setState('shown', true);
    this.#loading(card, false);
  }

  /** The reel on screen plays and has enough to go on: now, and not before, its followers load. */
  #prefetch(card) {
    this.prefetched = true;
    const next = this.cards.slice(this.index + 1, this.index + 1 + AHEAD).map((other) => other.reel);
    if (!next.length) return;
    const ready = (reelId) => {
      if (this.card === card && this.active && reelId === next[0].id) this.#holdNext();
    };
    const steps = this.source.plan(next);
    if (!steps.some((step) => step.reel_id === next[0].id)) this.#holdNext();
    warmer.start(steps, ready);
  }

  #holdNext() {
    const card = this.cards[this.index + 1];
    if (!card) return;
    const slot = pool.take(card.reel, false);
    card.hold(slot);
    if (this.card) pool.take(this.card.reel, true); /* stays the latest used */
  }

  async #play(card, slot) {
    if (document.visibilityState !== 'visible' || this.covered) return;
    const how = await slot.play();
    if (this.card !== card) return;
    card.setState('paused', how === 'blocked');
    if (how === 'blocked') {
      this.userPaused = true;
      this.#loading(card, false);
    }
    this.#showSound();
  }

  #heard(card, slot, name) {
    if (this.card !== card || !this.active) return;
    const { video } = slot;
    switch (name) {
      case 'playing':
        this.#loading(card, false);
        card.hideFailure();
        card.setState('shown', true);
        break;
      case 'waiting':
        warmer.cancel();
        this.prefetched = false;
        this.#loading(card, true);
        break;
      case 'first':
        this.#firstFrame(card);
        break;
      case 'timeupdate':
        this.playback?.tick(video.currentTime, !video.paused && !video.seeking);
        break;
      case 'ended':
        this.playback?.reachedEnd(video.duration || video.currentTime);
        video.currentTime = 0;
        this.playback?.replays();
        this.#play(card, slot);
        break;
      case 'failed':
        this.#loading(card, false);
        warmer.cancel();
        card.showFailure(navigator.onLine ? "This reel doesn't play right now." : 'You are offline.');
        break;
    }
  }

  #loading(card, on) {
    clearTimeout(this.loadingTimer);
    if (on) this.loadingTimer = setTimeout(() => card.setState('loading', true), LOADING_MS);
    else card.setState('loading', false);
  }

  #tickOn(card, slot) {
    cancelAnimationFrame(this.frame);
    const tick = () => {
      if (this.card !== card || !this.active) return;
      const { video } = slot;
      const length = video.duration || (card.reel.duration_ms ?? 0) / 1000;
      let loaded = 0;
      for (let i = 0; i < video.buffered.length; i++) {
        if (video.buffered.start(i) <= video.currentTime + 0.2) loaded = Math.max(loaded, video.buffered.end(i));
      }
      if (!this.seekingTo) card.setPosition(video.currentTime, length, loaded);
      const enough = loaded - video.currentTime >= ENOUGH_S || loaded >= length - 0.5;
      if (this.firstFrame && !this.prefetched && length > 0 && enough) this.#prefetch(card);
      this.frame = requestAnimationFrame(tick);
    };
    tick();
  }

  #leave(moved) {
    warmer.cancel();
    clearTimeout(this.loadingTimer);
    this.playback?.end(moved);
    this.playback = null;
    const { card, slot } = this;
    if (!card) return;
    if (card.filled) card.expand(false);
    card.setState('loading', false);
    if (slot) {
      slot.listen(null);
      slot.setActive(false);
      slot.video.pause();
    }
  }

  #visibility() {
    const { card, slot } = this;
    if (!this.active || !card || !slot) return;
    if (document.visibilityState === 'hidden') {
      this.playback?.flush();
      slot.video.pause();
    } else {
      this.playback ??= new Playback(card.reel);
      if (!this.userPaused) this.#play(card, slot);
    }
  }

  /** Something lies over the stage and wants it still (the upload sheet), or no longer. */
  setCovered(covered) {
    this.covered = covered;
    const { card, slot } = this;
    if (!this.active || !card || !slot) return;
    if (covered) slot.video.pause();
    else if (!this.userPaused) this.#play(card, slot);
  }

  /* What cards and keys ask for. */

  tap(card) {
    if (this.card !== card) return;
    if (this.slot?.video.muted && !this.slot.video.paused && !soundDecided) this.soundOn();
    else this.togglePlay();
  }

  togglePlay() {
    const { card, slot } = this;
    if (!card || !slot) return;
    this.userPaused = !slot.video.paused;
    if (this.userPaused) slot.video.pause();
    else this.#play(card, slot);
    card.setState('paused', this.userPaused);
    card.flashIcon(this.userPaused ? 'pause' : 'play');
  }

  hold(on) {
    const { card, slot } = this;
    if (!card || !slot) return;
    card.setState('held', on);
    if (on) slot.video.pause();
    else if (!this.userPaused) this.#play(card, slot);
  }

  soundOn() {
    this.setSound(true);
  }

  setSound(on) {
    sound.on = on;
    soundDecided = true;
    pool.setMuted(!on);
    const { card, slot } = this;
    if (card && slot && slot.video.paused && !this.userPaused) this.#play(card, slot);
    this.#showSound();
  }

  #showSound() {
    const muted = this.slot?.video.muted ?? !sound.on;
    this.soundButton.replaceChildren(icon(muted ? 'muted' : 'volume'));
    const label = muted ? 'Sound on' : 'Sound off';
    this.soundButton.setAttribute('aria-label', label);
    this.soundButton.title = `${label} (m)`;
    this.root.classList.toggle('wants-tap', muted && !soundDecided);
  }

  seek(share, done) {
    const { card, slot } = this;
    if (!card || !slot) return;
    const { video } = slot;
    const length = video.duration || 0;
    if (!length) return;
    this.seekingTo = !done;
    card.setPosition(share * length, length, 0);
    if (done || Math.abs(video.currentTime - share * length) > 0.25) {
      video.currentTime = Math.min(share * length, Math.max(0, length - 0.05));
    }
    if (done && !this.userPaused && video.paused) this.#play(card, slot);
  }

  like(card) {
    setReel(card.reel, 'like', true);
  }

  toggle(kind, card) {
    const { reel } = card;
    if (kind === 'like') setReel(reel, 'like', !reel.liked);
    if (kind === 'save') {
      toast(reel.saved ? 'No longer saved' : 'Saved', { kind: 'done' });
      setReel(reel, 'save', !reel.saved);
    }
    if (kind === 'follow') setUser(reel.creator.id, 'follow', !reel.creator.followed);
  }

  open(what, card) {
    this.hooks[what](card.reel, this);
  }

  retry(card) {
    if (this.card !== card) return;
    card.hideFailure();
    this.slot?.close();
    this.#leave(false);
    this.#enter(card);
  }

  /** Reports what was done to the reel on screen. */
  report(type, reel, more) {
    const playback = this.card?.reel.id === reel.id ? this.playback?.number : null;
    reporter.report(type, reel.id, playback ?? reporter.newPlayback(), more);
  }

  /** Takes cards away, and moves on when the one on screen is among them. */
  remove(match) {
    const current = this.card;
    let index = this.index;
    this.cards = this.cards.filter((card, i) => {
      if (!match(card.reel)) return true;
      if (card === current) this.#leave(true);
      if (i < this.index) index--;
      this.dropped = (this.dropped ?? 0) + 1;
      pool.find(card.reel)?.close();
      card.root.remove();
      return false;
    });
    if (this.cards[index] === current) {
      this.index = index;
      this.#jumpTo(index);
      return;
    }
    this.index = -1;
    this.#grow();
    const next = Math.min(index, this.cards.length);
    this.#jumpTo(next);
    this.#setIndex(next);
  }

  key(event) {
    const { card, slot } = this;
    switch (event.key) {
      case 'ArrowDown':
      case 'PageDown':
      case 'j':
        this.move(1);
        return true;
      case 'ArrowUp':
      case 'PageUp':
      case 'k':
        this.move(-1);
        return true;
      case 'm':
        this.setSound(this.slot?.video.muted ?? !sound.on);
        return true;
    }
    if (!card || !slot) return false;
    const { video } = slot;
    switch (event.key) {
      case ' ':
        if (event.target.closest('button, a, [role=slider]') && !event.target.closest('.seek')) return false;
        this.togglePlay();
        return true;
      case 'ArrowLeft':
      case 'ArrowRight':
        if (video.duration) {
          const to = video.currentTime + (event.key === 'ArrowLeft' ? -SEEK_KEY_S : SEEK_KEY_S);
          this.seek(Math.min(1, Math.max(0, to / video.duration)), true);
        }
        return true;
      case 'l':
        this.toggle('like', card);
        return true;
      case 's':
        this.toggle('save', card);
        return true;
      case 'c':
        this.open('comments', card);
        return true;
    }
    return false;
  }
}
