/* Owns the one upload at a time: its bytes over tus, its survival of a reload, and then the wait until
 * the reel is ready. The sheet only shows it. A file is kept in the browser's database until its last
 * byte has arrived, so that a reload goes on where the server says it stopped. */

import { api, session } from './api.js';
import { Emitter, load, save } from './store.js';
import { learn } from './reels.js';

const PART_BYTES = 8 << 20;
/* Larger files are not copied into the browser's database; after a reload they are chosen again. */
const KEEP_BYTES_MAX = 600e6;
const RETRY_DELAYS_MS = [0, 1000, 3000, 5000, 10000, 20000, 30000];
const POLL_MS = [700, 1000, 1500, 2000, 3000];
const SPEED_WINDOW_MS = 4000;
/* Answers that say no to these bytes, or to what was said about them, for good. */
const REFUSED = new Set([400, 413, 415, 422]);

let tusScript = null;
function loadTus() {
  tusScript ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = '/assets/vendor/tus.min.js';
    script.onload = () => resolve(window.tus);
    script.onerror = () => {
      tusScript = null;
      reject(new Error('The uploader could not be loaded.'));
    };
    document.head.append(script);
  });
  return tusScript;
}

/** A place for one file under one key, in IndexedDB; without it, uploads just do not outlive the page. */
const shelf = {
  open() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open('reels', 1);
      request.onupgradeneeded = () => request.result.createObjectStore('uploads');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  },
  async run(mode, use) {
    const db = await this.open();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = db.transaction('uploads', mode);
        const request = use(transaction.objectStore('uploads'));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      db.close();
    }
  },
  get: (key) => shelf.run('readonly', (store) => store.get(key)),
  put: (key, value) => shelf.run('readwrite', (store) => store.put(value, key)),
  remove: (key) => shelf.run('readwrite', (store) => store.delete(key)),
};

/** Requests that carry a digest of their body, so that damage on the way is found on arrival. */
function checkedStack(tus) {
  const plain = new tus.DefaultHttpStack({});
  return {
    getName: () => 'CheckedStack',
    createRequest(method, url) {
      const request = plain.createRequest(method, url);
      const send = request.send.bind(request);
      request.send = async (body = null) => {
        if (body instanceof Blob && crypto.subtle) {
          const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await body.arrayBuffer()));
          request.setHeader('Upload-Checksum', `sha256 ${btoa(String.fromCharCode(...digest))}`);
        }
        return send(body);
      };
      return request;
    },
  };
}

function explain(error) {
  const response = error.originalResponse;
  if (!response) return navigator.onLine ? 'The connection broke.' : 'You are offline.';
  try {
    const { message } = JSON.parse(response.getBody()).error;
    return `${message[0].toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;
  } catch {
    return `The server answered ${response.getStatus()}.`;
  }
}

const NOTHING = { file: null, name: '', kept: false, reel: null, reelId: null, sent: 0, total: 0, speed: 0, problem: '' };

/**
 * phase: idle → sending ⇄ paused → processing → ready | failed; `stuck` is a sending that needs the
 * viewer (try again, or give up).
 */
class Uploads extends Emitter {
  phase = 'idle';
  caption = '';
  visibility = 'public';
  #upload = null;
  #marks = [];
  #turn = 0;

  constructor() {
    super();
    Object.assign(this, NOTHING);
  }

  get share() {
    return this.total ? this.sent / this.total : 0;
  }

  get running() {
    return this.phase === 'sending' || this.phase === 'paused' || this.phase === 'stuck';
  }

  #set(phase, more = {}) {
    this.phase = phase;
    Object.assign(this, more);
    this.emit('change');
  }

  get #key() {
    return session.user?.id ?? '';
  }

  /** Begins, with a file that was chosen. */
  async begin(file, caption, visibility) {
    this.#turn++;
    this.#set('sending', { ...NOTHING, file, caption, visibility, total: file.size, name: file.name });
    if (file.size <= KEEP_BYTES_MAX) {
      try {
        await shelf.put(this.#key, { file, caption, visibility, url: null, reelId: null });
        this.kept = true;
      } catch {
        this.kept = false; /* No room: the upload works, it only has to outlive no reload. */
      }
    }
    await this.#send(null);
  }

  /** Goes on with what a reload interrupted. */
  async resume() {
    if (this.phase !== 'idle' || !session.user) return;
    const waiting = load(`processing.${this.#key}`);
    let kept = null;
    try {
      kept = await shelf.get(this.#key);
    } catch {
      /* No database, nothing kept. */
    }
    if (kept?.file && this.phase === 'idle') {
      const { file, caption, visibility, url, reelId } = kept;
      this.kept = true;
      this.#set('sending', { file, caption, visibility, reelId, total: file.size, name: file.name });
      this.emit('resumed');
      await this.#send(url);
    } else if (waiting && this.phase === 'idle') {
      this.#set('processing', { reelId: waiting });
      this.#wait();
    }
  }

  async #send(url) {
    const turn = ++this.#turn;
    let tus;
    try {
      tus = await loadTus();
    } catch (error) {
      if (turn === this.#turn) this.#set('stuck', { problem: error.message });
      return;
    }
    if (turn !== this.#turn) return;
    const { file } = this;
    const upload = new tus.Upload(file, {
      endpoint: '/v1/uploads',
      uploadUrl: url,
      chunkSize: PART_BYTES,
      retryDelays: RETRY_DELAYS_MS,
      httpStack: checkedStack(tus),
      storeFingerprintForResuming: !this.kept,
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name.slice(0, 80), caption: this.caption, visibility: this.visibility },
      onBeforeRequest: (request) => request.setHeader('Authorization', `Bearer ${session.token}`),
      onAfterResponse: (_, response) => {
        const reelId = response.getHeader('Reel-Id');
        if (reelId && turn === this.#turn) this.reelId = reelId;
        if (response.getStatus() === 401) session.end('expired');
      },
      onUploadUrlAvailable: () => {
        if (this.kept && turn === this.#turn) {
          const { caption, visibility, reelId } = this;
          shelf.put(this.#key, { file, caption, visibility, url: upload.url, reelId }).catch(() => {});
        }
      },
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        return status === 0 || status >= 500 || [409, 423, 429, 460].includes(status);
      },
      onProgress: (sent) => {
        if (turn === this.#turn) this.#progress(sent);
      },
      onSuccess: () => {
        if (turn === this.#turn) this.#arrived();
      },
      onError: (error) => {
        if (turn !== this.#turn) return;
        if (REFUSED.has(error.originalResponse?.getStatus())) this.#refused(upload, explain(error));
        else this.#set('stuck', { problem: explain(error) });
      },
    });
    this.#upload = upload;
    if (!url && !this.kept) {
      const earlier = (await upload.findPreviousUploads()).find(
        ({ metadata }) => metadata.caption === this.caption && metadata.visibility === this.visibility,
      );
      if (turn !== this.#turn) return;
      if (earlier) upload.resumeFromPreviousUpload(earlier);
    }
    this.#marks = [];
    this.#set('sending', { problem: '' });
    upload.start();
  }

  #progress(sent) {
    const now = performance.now();
    this.#marks.push([now, sent]);
    while (this.#marks.length > 2 && now - this.#marks[0][0] > SPEED_WINDOW_MS) this.#marks.shift();
    const [thenMs, thenSent] = this.#marks[0];
    this.speed = now > thenMs ? Math.max(0, (sent - thenSent) / ((now - thenMs) / 1000)) : 0;
    this.sent = sent;
    this.emit('change');
  }

  /** The server will never take this file. */
  #refused(upload, problem) {
    shelf.remove(this.#key).catch(() => {});
    upload.abort(true).catch(() => {}); /* it may be gone there already */
    this.#finish('failed', { problem });
  }

  #arrived() {
    if (this.kept) shelf.remove(this.#key).catch(() => {});
    save(`processing.${this.#key}`, this.reelId);
    this.#set('processing', { sent: this.total });
    this.#wait();
  }

  /** Asks how far the reel is until it plays, or never will. */
  async #wait() {
    const turn = ++this.#turn;
    const { reelId } = this;
    for (let i = 0; turn === this.#turn; i++) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS[Math.min(i, POLL_MS.length - 1)]));
      if (turn !== this.#turn) return;
      let reel;
      try {
        reel = await api.reel(reelId);
      } catch (error) {
        if (turn !== this.#turn || error.status === 401) return;
        if (error.status === 404) {
          this.#finish('failed', { problem: 'The reel is no longer there.' });
          return;
        }
        continue;
      }
      if (turn !== this.#turn) return;
      [this.reel] = learn([reel]);
      if (reel.state === 'READY') this.#finish('ready');
      else if (reel.state === 'FAILED' || reel.state === 'BLOCKED' || reel.state === 'HELD') {
        this.#finish('failed', { problem: reel.failure?.message ?? (reel.state === 'HELD' ? 'It waits for a review.' : '') });
      } else this.emit('change');
    }
  }

  #finish(phase, more) {
    save(`processing.${this.#key}`, null);
    this.#set(phase, more);
    this.emit(phase, this.reel);
  }

  pause() {
    if (this.phase !== 'sending') return;
    this.#turn++;
    this.#upload?.abort().catch(() => {});
    this.#set('paused', { speed: 0 });
  }

  /** Goes on after a pause or a problem. */
  async goOn() {
    if (this.phase === 'paused' || this.phase === 'stuck') await this.#send(this.#upload?.url ?? null);
  }

  /** Gives the upload up, here and on the server. */
  async cancel() {
    const upload = this.#upload;
    this.reset();
    try {
      await upload?.abort(true);
    } catch {
      /* It expires by itself. */
    }
  }

  reset() {
    this.#turn++;
    this.#upload = null;
    shelf.remove(this.#key).catch(() => {});
    save(`processing.${this.#key}`, null);
    this.#set('idle', NOTHING);
  }

  /** Somebody else signs in: nothing is lost, but nothing goes on under their name. */
  suspend() {
    this.#turn++;
    this.#upload?.abort().catch(() => {});
    this.#upload = null;
    this.#set('idle', NOTHING);
  }
}

export const uploads = new Uploads();
