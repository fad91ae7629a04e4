/* Owns one reel's card on the stage: its picture, its controls and the gestures on it. The card knows
 * no playback; it tells the stage what the viewer wants. */

import { ago, append, avatar, clock, count, el, icon, plural, wantsLessMotion } from './dom.js';

const DOUBLE_TAP_MS = 260;
const LONG_PRESS_MS = 420;
const SLOP_PX = 12;
/* Up to this much of a picture may be cut off to fill the frame; more, and it is shown whole. */
const CROP_MAX = 0.2;
const FRAME_RATIO = 9 / 16;

/** `stage` is asked: togglePlay, hold, like, toggle, open, seek, soundOn, retry, next. */
export class Card {
  constructor(reel, stage) {
    this.reel = reel;
    this.stage = stage;
    this.root = el('article.card', { 'aria-label': `Reel by ${reel.creator.name}`, 'data-reel': reel.id });
    this.filled = false;
  }

  /** Builds what is inside; cards far from the screen stay empty. */
  fill() {
    if (this.filled) return;
    this.filled = true;
    const { reel } = this;
    const ratio = reel.width && reel.height ? reel.width / reel.height : FRAME_RATIO;
    const cut = 1 - Math.min(ratio / FRAME_RATIO, FRAME_RATIO / ratio);
    this.whole = cut > CROP_MAX;
    this.media = el('div.media');
    this.cover = el('img.cover', { alt: '', decoding: 'async', draggable: 'false', src: reel.cover_url });
    this.cover.addEventListener('error', () => this.cover.remove());
    this.touch = el('div.touch');
    this.hearts = el('div.hearts', { 'aria-hidden': 'true' });
    this.flash = el('div.flash', { 'aria-hidden': 'true' });
    this.box = el(
      'div.box',
      {},
      el(
        `div.frame${this.whole ? '.frame-whole' : ''}`,
        {},
        this.whole && el('img.backdrop', { alt: '', src: reel.cover_url, draggable: 'false' }),
        this.cover,
        this.media,
        el('div.scrim', { 'aria-hidden': 'true' }),
        this.touch,
        this.hearts,
        this.flash,
        el('div.spinner', { role: 'status', 'aria-label': 'Loading' }),
        this.#soundPill(),
        this.#info(),
        this.#seekBar(),
      ),
      this.#actions(),
    );
    this.root.append(this.box);
    this.#gestures();
    this.update();
  }

  empty() {
    if (!this.filled) return;
    this.filled = false;
    this.root.replaceChildren();
    this.root.className = 'card';
  }

  #soundPill() {
    this.pill = el(
      'button.pill',
      { type: 'button', onclick: () => this.stage.soundOn() },
      icon('muted'),
      matchMedia('(pointer: coarse)').matches ? 'Tap for sound' : 'Click for sound',
    );
    return this.pill;
  }

  #info() {
    const { reel } = this;
    this.follow = el('button.follow', { type: 'button', onclick: () => this.stage.toggle('follow', this) }, 'Follow');
    this.caption = el('p.caption', { dir: 'auto' });
    this.more = el('button.caption-more', { type: 'button', 'aria-expanded': 'false', onclick: () => this.expand() }, 'more');
    const link = (child, cls, label) =>
      el(`a.${cls}`, { href: `/u/${reel.creator.id}`, 'data-link': true, 'aria-label': label }, child);
    return el(
      'div.info',
      {},
      el(
        'div.byline',
        {},
        link(avatar(reel.creator.name), 'byline-face', `Profile of ${reel.creator.name}`),
        link(reel.creator.name, 'byline-name'),
        el('span.byline-time', {}, ago(reel.created_ms)),
        reel.visibility === 'private' && el('span.tag', {}, icon('lock'), 'Private'),
        this.stage.isMine(reel) ? null : this.follow,
      ),
      el('div.caption-box', {}, this.caption, this.more),
    );
  }

  #actions() {
    // Those without a number keep its room, so that all stand equally far apart.
    const make = (name, label, run) => {
      const number = el('span.action-count');
      const button = el(
        `button.action.action-${name}`,
        { type: 'button', 'aria-label': label, onclick: run },
        el('span.action-icon'),
        number,
      );
      return { button, number, icon: button.firstChild };
    };
    this.like = make('like', 'Like', () => this.stage.toggle('like', this));
    this.comment = make('comment', 'Comments', () => this.stage.open('comments', this));
    this.save = make('save', 'Save', () => this.stage.toggle('save', this));
    this.share = make('share', 'Share', () => this.stage.open('share', this));
    const menu = make('more', 'More', () => this.stage.open('menu', this));
    this.comment.icon.append(icon('comment'));
    this.share.icon.append(icon('share'));
    menu.icon.append(icon('more'));
    return el(
      'div.actions',
      { role: 'group', 'aria-label': 'This reel' },
      [this.like, this.comment, this.save, this.share, menu].map((action) => action.button),
    );
  }

  #seekBar() {
    this.played = el('div.seek-played');
    this.loaded = el('div.seek-loaded');
    this.time = el('output.seek-time', { 'aria-hidden': 'true' });
    this.seek = el(
      'div.seek',
      { role: 'slider', tabindex: '0', 'aria-label': 'Position', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0' },
      this.time,
      el('div.seek-track', {}, this.loaded, this.played, el('div.seek-knob')),
    );
    const at = (event) => {
      const rect = this.seek.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - rect.left) / rect.width));
    };
    let dragging = false;
    const stop = (event) => {
      if (!dragging) return;
      dragging = false;
      this.box.classList.remove('seeking');
      this.stage.seek(at(event), true);
    };
    this.seek.addEventListener('pointerdown', (event) => {
      dragging = true;
      this.seek.setPointerCapture(event.pointerId);
      this.box.classList.add('seeking');
      this.stage.seek(at(event), false);
    });
    this.seek.addEventListener('pointermove', (event) => {
      if (dragging) this.stage.seek(at(event), false);
    });
    this.seek.addEventListener('pointerup', stop);
    this.seek.addEventListener('pointercancel', stop);
    return this.seek;
  }

  /** Taps, double taps and long presses on the picture; swipes stay with the scroller. */
  #gestures() {
    let down = null;
    let lastTap = 0;
    let single = 0;
    let hold = 0;
    const cancel = () => {
      clearTimeout(hold);
      if (down?.held) this.stage.hold(false);
      down = null;
    };
    this.touch.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      down = { x: event.clientX, y: event.clientY, held: false };
      hold = setTimeout(() => {
        if (!down) return;
        down.held = true;
        this.stage.hold(true);
      }, LONG_PRESS_MS);
    });
    this.touch.addEventListener('pointermove', (event) => {
      if (down && !down.held && Math.hypot(event.clientX - down.x, event.clientY - down.y) > SLOP_PX) cancel();
    });
    this.touch.addEventListener('pointercancel', cancel);
    this.touch.addEventListener('pointerleave', cancel);
    this.touch.addEventListener('contextmenu', (event) => event.preventDefault());
    this.touch.addEventListener('pointerup', (event) => {
      if (!down) return;
      const held = down.held;
      cancel();
      if (held) return;
      if (event.timeStamp - lastTap < DOUBLE_TAP_MS) {
        clearTimeout(single);
        lastTap = event.timeStamp;
        this.heart(event);
        this.stage.like(this);
        return;
      }
      lastTap = event.timeStamp;
      single = setTimeout(() => this.stage.tap(this), DOUBLE_TAP_MS);
    });
  }

  /** A heart where the finger was. */
  heart(event) {
    if (!this.filled) return;
    const rect = this.touch.getBoundingClientRect();
    const heart = icon('heart-fill');
    heart.classList.add('big-heart');
    heart.style.left = `${event.clientX - rect.left}px`;
    heart.style.top = `${event.clientY - rect.top}px`;
    heart.style.setProperty('--turn', `${Math.round(Math.random() * 30 - 15)}deg`);
    this.hearts.append(heart);
    setTimeout(() => heart.remove(), wantsLessMotion() ? 500 : 900);
  }

  flashIcon(name) {
    this.flash.replaceChildren(icon(name));
    this.flash.classList.remove('on');
    void this.flash.offsetWidth; /* restarts the animation */
    this.flash.classList.add('on');
  }

  expand(open = !this.box.classList.contains('expanded')) {
    this.box.classList.toggle('expanded', open);
    this.more.textContent = open ? 'less' : 'more';
    this.more.setAttribute('aria-expanded', String(open));
    if (!open) this.caption.scrollTop = 0;
  }

  /** Shows what the reel is now. */
  update() {
    if (!this.filled) return;
    const { reel } = this;
    const set = (action, name, on, label) => {
      if (action.shown !== name) action.icon.replaceChildren(icon(name));
      action.shown = name;
      action.button.classList.toggle('on', on);
      action.button.setAttribute('aria-pressed', String(on));
      action.button.setAttribute('aria-label', label);
      action.button.title = label;
    };
    set(this.like, reel.liked ? 'heart-fill' : 'heart', reel.liked, `Like, ${plural(reel.counts.likes, 'like')}`);
    set(this.save, reel.saved ? 'bookmark-fill' : 'bookmark', reel.saved, reel.saved ? 'Saved' : 'Save');
    const number = (action, n, label) => {
      action.number.textContent = n > 0 ? count(n) : '';
      action.button.setAttribute('aria-label', label);
    };
    number(this.like, reel.counts.likes, `Like, ${plural(reel.counts.likes, 'like')}`);
    number(this.comment, reel.counts.comments, `Comments, ${reel.counts.comments}`);
    number(this.share, reel.counts.shares, `Share, ${plural(reel.counts.shares, 'share')}`);
    this.follow.textContent = reel.creator.followed ? 'Following' : 'Follow';
    this.follow.classList.toggle('on', reel.creator.followed);
    this.follow.setAttribute('aria-pressed', String(reel.creator.followed));
    if (this.caption.textContent !== reel.caption) {
      this.caption.textContent = reel.caption;
      this.root.setAttribute('aria-label', `Reel by ${reel.creator.name}${reel.caption ? ': ' + reel.caption.slice(0, 120) : ''}`);
    }
    requestAnimationFrame(() => this.fitCaption());
  }

  fitCaption() {
    if (!this.filled || this.box.classList.contains('expanded')) return;
    this.more.hidden = this.caption.scrollHeight <= this.caption.clientHeight + 2;
    if (!this.reel.caption) this.more.hidden = true;
  }

  /** `loading`, `playing`, `paused`, `failed`: what the viewer sees of the player. */
  setState(name, on) {
    if (this.filled) this.box.classList.toggle(name, on);
  }

  showFailure(text) {
    if (!this.filled || this.failure) return;
    this.failure = el(
      'div.failure',
      { role: 'alert' },
      icon('alert'),
      el('p', {}, text),
      append(el('div.notice-buttons'), [
        el('button.button', { type: 'button', onclick: () => this.stage.retry(this) }, icon('refresh'), 'Try again'),
        el('button.button.button-quiet', { type: 'button', onclick: () => this.stage.move(1) }, 'Next'),
      ]),
    );
    this.box.querySelector('.frame').append(this.failure);
  }

  hideFailure() {
    this.failure?.remove();
    this.failure = null;
  }

  setPosition(positionS, durationS, loadedS) {
    if (!this.filled) return;
    const share = durationS > 0 ? Math.min(1, positionS / durationS) : 0;
    this.played.style.transform = `scaleX(${share})`;
    this.loaded.style.transform = `scaleX(${durationS > 0 ? Math.min(1, loadedS / durationS) : 0})`;
    this.seek.style.setProperty('--at', `${share * 100}%`);
    const text = `${clock(positionS)} / ${clock(durationS)}`;
    if (this.time.textContent !== text) {
      this.time.textContent = text;
      this.seek.setAttribute('aria-valuenow', String(Math.round(share * 100)));
      this.seek.setAttribute('aria-valuetext', `${clock(positionS)} of ${clock(durationS)}`);
    }
  }

  hold(slot) {
    this.fill();
    if (slot.video.parentNode !== this.media) this.media.replaceChildren(slot.video);
  }
}

/** The card at the end of the line: nothing more, or more is coming, or it could not come. */
export function endCard({ empty, actions }) {
  const head = empty ? 'Nothing to watch yet' : "You're all caught up";
  const text = empty
    ? 'Follow somebody, or be the first to post a reel. What others post turns up here.'
    : 'You have seen everything there is. New reels turn up here as they are posted.';
  return el(
    'article.card.card-end',
    { 'aria-label': head },
    el(
      'div.notice',
      {},
      el('div.notice-symbol', {}, icon(empty ? 'film' : 'check')),
      el('h2', {}, head),
      el('p', {}, text),
      el('div.notice-buttons', {}, actions),
    ),
  );
}
