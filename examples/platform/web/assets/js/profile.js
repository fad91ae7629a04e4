/* Owns the page of a person: who they are, what they posted, and for oneself also what was saved. */

import { api, session } from './api.js';
import { append, avatar, count, el, icon, plural, ring } from './dom.js';
import { changes, Playable, ReelList, setUser } from './reels.js';
import { ask, iconButton, notice, openMenu, toast } from './ui.js';
import { deleteReel } from './sheets.js';

const POLL_MS = 1500;
const UNFINISHED = new Set(['INIT', 'UPLOADED', 'PROCESSING']);
const STATE_TEXT = { INIT: 'Uploading', UPLOADED: 'In line', PROCESSING: 'Processing', FAILED: "Couldn't be read", HELD: 'In review', BLOCKED: 'Taken down' };

export class Profile {
  constructor(userId, hooks) {
    this.userId = userId;
    this.hooks = hooks;
    this.mine = session.user?.id === userId;
    this.tab = 'reels';
    this.root = el('section.profile', { 'aria-label': 'Profile', tabindex: '-1' });
    this.stopListening = [
      changes.on('user', (id, flag, value) => this.#changed(id, flag, value)),
      changes.on('posted', () => this.mine && this.active && this.#reload()),
    ];
    this.root.addEventListener('scroll', () => {
      if (this.root.scrollTop + this.root.clientHeight > this.root.scrollHeight - 600) this.#more();
    });
  }

  async show() {
    this.active = true;
    if (this.user) {
      this.root.scrollTop = this.scrollTop ?? 0;
      this.#poll();
      if (this.mine) this.#refresh();
      return;
    }
    this.#skeleton();
    try {
      this.user = await api.user(this.userId);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (!this.active) return;
    this.hooks.titled(this.user.name);
    this.#build();
    this.#open('reels');
  }

  hide() {
    this.scrollTop = this.root.scrollTop;
    this.active = false;
    clearTimeout(this.timer);
  }

  destroy() {
    this.hide();
    for (const stop of this.stopListening) stop();
    this.root.remove();
  }

  #skeleton() {
    this.root.replaceChildren(
      el(
        'div.profile-inner',
        { 'aria-busy': 'true' },
        el('header.profile-head', {}, el('span.avatar.avatar-large.skeleton'), el('div.profile-who', {}, el('span.line.skeleton'), el('span.line.line-short.skeleton'))),
        el('div.grid', {}, Array.from({ length: 6 }, () => el('div.tile.skeleton'))),
      ),
    );
  }

  #failed(error) {
    this.root.replaceChildren(
      notice({
        symbol: error.status === 404 ? 'user' : error.status === 0 ? 'wifi' : 'alert',
        title: error.status === 404 ? 'Nobody is here' : error.status === 0 ? "Can't reach the server" : "This page didn't load",
        text: error.status === 404 ? 'This profile does not exist, or you cannot see it.' : error.status === 0 ? 'Check your connection and try again.' : error.message,
        action:
          error.status === 404
            ? { label: 'Go to the feed', run: this.hooks.home }
            : { label: 'Try again', icon: 'refresh', run: () => this.show() },
      }),
    );
  }

  #build() {
    const { user } = this;
    this.follow = el('button.button', { type: 'button', onclick: () => setUser(user.id, 'follow', !user.followed) });
    this.numbers = el('ul.numbers');
    this.banner = el('div.banner');
    this.tabs = el('div.tabs', { role: 'tablist' });
    this.grid = el('div.grid');
    this.foot = el('div.profile-foot');
    const buttons = this.mine
      ? [
          el('button.button', { type: 'button', onclick: this.hooks.upload }, icon('plus'), 'Post a reel'),
          el('button.button.button-quiet', { type: 'button', onclick: () => this.#signOut() }, icon('out'), 'Sign out'),
        ]
      : [this.follow, iconButton('more', 'More', () => this.#menu(), 'icon-button-filled')];
    this.root.replaceChildren(
      el(
        'div.profile-inner',
        {},
        el(
          'header.profile-head',
          {},
          avatar(user.name, 'large'),
          el('div.profile-who', {}, el('h1', {}, user.name), this.numbers, el('div.profile-buttons', {}, buttons)),
        ),
        this.banner,
        this.mine && this.tabs,
        this.grid,
        this.foot,
      ),
    );
    if (this.mine) {
      const tab = (name, label, symbol) =>
        el('button.tab', { type: 'button', role: 'tab', 'data-tab': name, onclick: () => this.#open(name) }, icon(symbol), label);
      append(this.tabs, [tab('reels', 'Reels', 'grid'), tab('saved', 'Saved', 'bookmark')]);
    }
    this.#update();
  }

  #update() {
    const { user } = this;
    const number = (n, word) => el('li', {}, el('strong', {}, count(n)), ` ${plural(n, word).split(' ')[1]}`);
    this.numbers.replaceChildren(
      number(user.counts.reels, 'reel'),
      number(user.counts.followers, 'follower'),
      el('li', {}, el('strong', {}, count(user.counts.following)), ' following'),
    );
    this.follow.textContent = user.followed ? 'Following' : 'Follow';
    this.follow.classList.toggle('button-quiet', user.followed);
    this.follow.setAttribute('aria-pressed', String(user.followed));
    this.follow.hidden = user.blocked;
    const undo = (kind, text) =>
      el('p', {}, icon(kind), el('span', {}, text), el('button.link-button', { type: 'button', onclick: () => (kind === 'block' ? this.#setBlock(false) : setUser(user.id, kind, false)) }, kind === 'mute' ? 'Unmute' : 'Unblock'));
    this.banner.replaceChildren();
    if (user.blocked) this.banner.append(undo('block', `${user.name} is blocked.`));
    else if (user.muted) this.banner.append(undo('mute', 'Muted: these reels stay out of your feed.'));
  }

  #changed(id, flag, value) {
    if (!this.user || id !== this.userId || this.user[flag] === value) return;
    this.user[flag] = value;
    if (flag === 'followed') this.user.counts.followers = Math.max(0, this.user.counts.followers + (value ? 1 : -1));
    if (flag === 'blocked' && value) this.user.followed = false;
    this.#update();
  }

  #menu() {
    const { user } = this;
    openMenu(user.name, [
      { icon: 'link', label: 'Copy link', run: () => this.#copyLink() },
      user.muted
        ? { icon: 'mute', label: 'Unmute', run: () => setUser(user.id, 'mute', false) }
        : { icon: 'mute', label: 'Mute', hint: 'Their reels stay out of your feed', run: () => setUser(user.id, 'mute', true) },
      user.blocked
        ? { icon: 'block', label: 'Unblock', run: () => this.#setBlock(false) }
        : { icon: 'block', label: 'Block', hint: 'Neither of you sees the other', danger: true, run: () => this.#block() },
    ]);
  }

  async #block() {
    const { user } = this;
    const yes = await ask({ title: `Block ${user.name}?`, text: 'You no longer see each other, here or anywhere else in the app.', yes: 'Block', danger: true });
    if (yes) this.#setBlock(true);
  }

  /* What is shown of a person goes and comes with the block, when the server has it. */
  async #setBlock(on) {
    if ((await setUser(this.user.id, 'block', on)) && this.active) this.#reload();
  }

  async #copyLink() {
    try {
      await navigator.clipboard.writeText(location.href);
      toast('Link copied', { kind: 'done' });
    } catch {
      toast('The browser does not allow copying here.', { kind: 'error' });
    }
  }

  async #signOut() {
    const yes = await ask({ title: 'Sign out?', text: 'Your name signs you in again.', yes: 'Sign out' });
    if (yes) this.hooks.signOut();
  }

  #open(tab) {
    this.tab = tab;
    for (const button of this.tabs.children) {
      const on = button.dataset.tab === tab;
      button.classList.toggle('on', on);
      button.setAttribute('aria-selected', String(on));
    }
    this.list = new ReelList(tab === 'saved' ? (cursor) => api.saved(cursor) : (cursor) => api.userReels(this.userId, cursor));
    this.grid.replaceChildren();
    this.tiles = new Map();
    this.#more();
  }

  #reload() {
    if (this.grid) this.#open(this.tab);
    this.#refresh();
  }

  async #refresh() {
    try {
      Object.assign(this.user, await api.user(this.userId));
      this.#update();
    } catch {
      /* The numbers are as old as they were. */
    }
  }

  async #more() {
    const { list } = this;
    if (!list || list.done || this.loading === list) return;
    this.loading = list;
    this.foot.replaceChildren(el('div.spinner.spinner-inline', { role: 'status', 'aria-label': 'Loading' }));
    try {
      const fresh = await list.more();
      if (list !== this.list) return;
      append(this.grid, fresh.map((reel) => this.#tile(reel)));
      this.foot.replaceChildren();
      if (!list.items.length) this.#showEmpty();
      this.#poll();
    } catch (error) {
      if (list !== this.list) return;
      this.foot.replaceChildren(
        notice({ symbol: 'alert', title: "The reels didn't load", text: error.message, action: { label: 'Try again', icon: 'refresh', run: () => this.#more() } }),
      );
    } finally {
      if (this.loading === list) this.loading = null;
    }
  }

  #showEmpty() {
    if (this.user.blocked) return; /* the banner says why */
    const saved = this.tab === 'saved';
    this.foot.replaceChildren(
      notice({
        symbol: saved ? 'bookmark' : 'film',
        title: saved ? 'Nothing saved' : this.mine ? 'Your first reel goes here' : 'No reels yet',
        text: saved ? 'Reels that you save are kept here. Only you see them.' : this.mine ? 'Upright videos look best. Nobody sees it before it is ready.' : `${this.user.name} has not posted anything.`,
        action: this.mine && !saved ? { label: 'Post a reel', icon: 'plus', run: this.hooks.upload } : null,
      }),
    );
  }

  #tile(reel) {
    const open = () => {
      if (reel.state === 'READY') {
        const source = new Playable(this.list);
        this.hooks.view(reel, source, source.items.indexOf(reel));
      } else this.#unfinished(reel);
    };
    const tile = el('button.tile', { type: 'button', onclick: open });
    this.tiles.set(reel.id, tile);
    this.#drawTile(tile, reel);
    return tile;
  }

  #drawTile(tile, reel) {
    const ready = reel.state === 'READY';
    tile.replaceChildren();
    tile.className = `tile tile-${reel.state.toLowerCase()}`;
    const about = reel.caption ? `: ${reel.caption.slice(0, 80)}` : '';
    tile.setAttribute('aria-label', ready ? `Reel${about}, ${plural(reel.counts.views, 'view')}` : `${STATE_TEXT[reel.state]}${about}`);
    if (ready) {
      append(tile, [
        el('img', { src: reel.cover_url, alt: '', loading: 'lazy', decoding: 'async', draggable: 'false' }),
        el('span.tile-foot', {}, icon('play'), count(reel.counts.views)),
        reel.visibility === 'private' && el('span.tile-lock', {}, icon('lock')),
      ]);
      return;
    }
    const unfinished = UNFINISHED.has(reel.state);
    const circle = unfinished ? ring() : icon('alert');
    if (unfinished) circle.setShare(reel.state === 'PROCESSING' ? reel.progress_permille / 1000 : 0.02);
    append(tile, [
      circle,
      el('span', {}, STATE_TEXT[reel.state]),
      reel.state === 'PROCESSING' && el('small', {}, `${Math.floor(reel.progress_permille / 10)} %`),
      reel.visibility === 'private' && el('span.tile-lock', {}, icon('lock')),
    ]);
  }

  #unfinished(reel) {
    openMenu(STATE_TEXT[reel.state], [
      { icon: 'trash', label: 'Delete', hint: reel.failure?.message, danger: true, run: () => deleteReel(reel, (gone) => this.hooks.deleted(gone)) },
    ]);
  }

  /** A reel was deleted somewhere. */
  drop(reel) {
    if (!this.list) return;
    this.list.items = this.list.items.filter((other) => other.id !== reel.id);
    this.tiles.get(reel.id)?.remove();
    if (!this.list.items.length) this.#showEmpty();
    if (this.active) this.#refresh();
  }

  /* Own reels that are on their way are looked after until they are there. */
  #poll() {
    clearTimeout(this.timer);
    if (!this.mine || !this.active || this.tab !== 'reels') return;
    const open = this.list.items.filter((reel) => UNFINISHED.has(reel.state));
    if (!open.length) return;
    this.timer = setTimeout(async () => {
      await Promise.all(
        open.map(async (reel) => {
          try {
            Object.assign(reel, await api.reel(reel.id));
          } catch (error) {
            if (error.status === 404) this.drop(reel);
            return;
          }
          const tile = this.tiles.get(reel.id);
          if (tile) this.#drawTile(tile, reel);
          if (reel.state === 'READY') this.#refresh();
        }),
      );
      this.#poll();
    }, POLL_MS);
  }
}
