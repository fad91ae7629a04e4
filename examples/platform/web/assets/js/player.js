/* Owns the three video elements that all reels share, and what plays HLS in them: the browser itself
 * where it is the better one at it (Safari), hls.js elsewhere. A slot is one element with what it
 * holds; the reel on screen has one, its neighbours have the others. */

import { api } from './api.js';
import { load, save } from './store.js';
import { warmer } from './prefetch.js';

const SLOTS = 3;
const AHEAD_S = 20;
const AHEAD_BYTES = 30 << 20;
/* A neighbour holds its first seconds and no more. */
const AHEAD_IDLE_S = 2;
const BITRATE_GUESS = 2_500_000;
const RECOVERIES_MAX = 3;

const mime = 'application/vnd.apple.mpegurl';
const prefersNative = (() => {
  const can = document.createElement('video').canPlayType(mime) !== '';
  const forced = load('engine');
  if (forced === 'native' || forced === 'hls.js') return can && forced === 'native';
  const hasMediaSource = 'MediaSource' in window || 'ManagedMediaSource' in window;
  return can && (!hasMediaSource || /^Apple/.test(navigator.vendor ?? ''));
})();

let hlsModule = null;
function loadHls() {
  hlsModule ??= import('/assets/vendor/hls.min.mjs').then((module) => module.default);
  return hlsModule;
}
if (!prefersNative) loadHls().catch(() => {});

export const sound = {
  get on() {
    return load('sound', false);
  },
  set on(value) {
    save('sound', value);
  },
};

class Slot {
  reel = null;
  lastUsed = 0;
  failed = false;
  #hls = null;
  #active = false;
  #recoveries = 0;
  #turn = 0;
  #opened = null;
  #listener = null;

  constructor() {
    const video = document.createElement('video');
    video.className = 'video';
    video.playsInline = true;
    video.muted = true;
    video.preload = 'auto';
    video.disablePictureInPicture = true;
    video.disableRemotePlayback = true;
    video.setAttribute('playsinline', '');
    video.tabIndex = -1;
    this.video = video;
    for (const name of ['playing', 'waiting', 'pause', 'ended', 'timeupdate', 'seeking', 'seeked']) {
      video.addEventListener(name, () => this.#listener?.(name));
    }
    video.addEventListener('error', () => {
      if (!this.#hls && this.reel && video.src) this.#recover();
    });
  }

  /** Who hears of playing, waiting, ended, ... and `first` (frame) and `failed`; one at a time. */
  listen(listener) {
    this.#listener = listener;
  }

  #tell(name) {
    this.#listener?.(name);
  }

  async open(reel, active) {
    this.close();
    this.reel = reel;
    this.#active = active;
    this.#opened = this.#start(0);
    await this.#opened;
  }

  async #start(positionS) {
    const turn = ++this.#turn;
    const { video, reel } = this;
    this.failed = false;
    this.#watchFirstFrame(turn);
    if (prefersNative) {
      video.src = positionS > 0 ? `${reel.playlist_url}#t=${positionS}` : reel.playlist_url;
      return;
    }
    let Hls;
    try {
      Hls = await loadHls();
    } catch {
      hlsModule = null;
      if (turn === this.#turn) this.#fail();
      return;
    }
    if (turn !== this.#turn) return;
    if (!Hls.isSupported()) {
      if (video.canPlayType(mime)) video.src = reel.playlist_url;
      else this.#fail();
      return;
    }
    const hls = new Hls({
      ...this.#reach(),
      workerPath: '/assets/vendor/hls.worker.js',
      startPosition: positionS > 0 ? positionS : -1,
      abrEwmaDefaultEstimate: load('bitrate', BITRATE_GUESS),
      testBandwidth: false,
      capLevelToPlayerSize: true,
      backBufferLength: 30,
      startFragPrefetch: true,
    });
    this.#hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      const warm = hls.levels.findIndex((level) => level.url.some((url) => warmer.has(url)));
      if (warm >= 0) hls.startLevel = warm;
    });
    hls.on(Hls.Events.FRAG_BUFFERED, () => {
      if (hls.bandwidthEstimate > 0) save('bitrate', Math.round(hls.bandwidthEstimate));
    });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal || turn !== this.#turn) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && this.#recoveries++ < RECOVERIES_MAX) hls.recoverMediaError();
      else this.#recover();
    });
    hls.loadSource(reel.playlist_url);
    hls.attachMedia(video);
  }

  #reach() {
    return this.#active
      ? { maxBufferLength: AHEAD_S, maxMaxBufferLength: AHEAD_S, maxBufferSize: AHEAD_BYTES }
      : { maxBufferLength: AHEAD_IDLE_S, maxMaxBufferLength: AHEAD_IDLE_S, maxBufferSize: 0 };
  }

  #watchFirstFrame(turn) {
    const { video } = this;
    const seen = () => {
      if (turn === this.#turn) this.#tell('first');
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(seen);
    else video.addEventListener('loadeddata', seen, { once: true });
  }

  /** The address may be out of date: a fresh one is asked for before giving up. */
  async #recover() {
    if (!this.#active) {
      this.failed = true; /* a neighbour is tried again when it comes on screen */
      this.#release();
      return;
    }
    if (this.#recoveries++ >= RECOVERIES_MAX) return this.#fail();
    const turn = this.#turn;
    const positionS = this.video.currentTime || 0;
    const wasPlaying = this.#active && !this.video.paused;
    try {
      const fresh = await api.reel(this.reel.id);
      if (turn !== this.#turn) return;
      if (!fresh.playlist_url) return this.#fail();
      Object.assign(this.reel, fresh);
    } catch {
      if (turn === this.#turn) this.#fail();
      return;
    }
    this.#release();
    this.#opened = this.#start(positionS);
    if (wasPlaying) this.play();
  }

  #fail() {
    this.failed = true;
    this.#tell('failed');
  }

  /** On screen now, or a neighbour: decides how far ahead it loads. */
  setActive(active) {
    this.#active = active;
    if (this.#hls) Object.assign(this.#hls.config, this.#reach());
  }

  /** Plays; 'muted' when the browser allows it only without sound, 'blocked' when not at all. */
  async play() {
    const { video } = this;
    const turn = this.#turn;
    await this.#opened; /* giving an element its source stops it */
    if (turn !== this.#turn || !this.#active) return 'playing';
    video.muted = !sound.on;
    try {
      await video.play();
      return 'playing';
    } catch (error) {
      if (error.name !== 'NotAllowedError') return 'playing'; /* a load came between; it will play */
    }
    if (!video.muted) {
      video.muted = true;
      try {
        await video.play();
        return 'muted';
      } catch {
        /* Told below. */
      }
    }
    return 'blocked';
  }

  #release() {
    this.#hls?.destroy();
    this.#hls = null;
    if (this.video.hasAttribute('src')) {
      this.video.removeAttribute('src');
      this.video.load();
    }
  }

  close() {
    this.#turn++;
    this.#listener = null;
    this.#active = false;
    this.#recoveries = 0;
    this.failed = false;
    this.video.pause();
    this.#release();
    this.video.remove();
    this.reel = null;
  }
}

class Pool {
  #slots = Array.from({ length: SLOTS }, () => new Slot());
  #uses = 0;

  find(reel) {
    return this.#slots.find((slot) => slot.reel?.id === reel.id) ?? null;
  }

  /** The slot that holds `reel`; if none does, the one least lately used is given to it. */
  take(reel, active) {
    let slot = this.find(reel);
    if (!slot || slot.failed) {
      slot ??= this.#slots.reduce((oldest, other) => (other.lastUsed < oldest.lastUsed ? other : oldest));
      slot.open(reel, active);
    } else {
      slot.setActive(active);
    }
    slot.lastUsed = ++this.#uses;
    return slot;
  }

  /** A tap was made: browsers that allow sound per element, and only then, allow it to all three. */
  setMuted(muted) {
    for (const slot of this.#slots) slot.video.muted = muted;
  }

  closeAll() {
    for (const slot of this.#slots) slot.close();
  }
}

export const pool = new Pool();
