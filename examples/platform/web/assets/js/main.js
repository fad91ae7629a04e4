/* Owns the frame of the app: which view is shown for which address, the navigation, the keys, and what
 * views need of each other. */

import { api, ApiError, session } from './api.js';
import { avatar, el, icon, logo } from './dom.js';
import { reporter } from './events.js';
import { pool } from './player.js';
import { Profile } from './profile.js';
import { Feed, changes, forget, learn } from './reels.js';
import { keyList, openComments, openKeys, openReelMenu, share } from './sheets.js';
import { signIn } from './signin.js';
import { Stage } from './stage.js';
import { toast } from './ui.js';
import { uploads } from './uploads.js';
import { openUpload } from './upload_sheet.js';

const NAME = 'libreels';
const KEPT_MAX = 3; /* views that are kept for going back */

const app = document.getElementById('app');
const main = el('main.main', { id: 'main' });
const nav = el('nav.nav', { 'aria-label': 'Main' });
const offline = el('div.offline', { role: 'status', hidden: true }, icon('wifi'), 'You are offline. Your place is kept.');
app.replaceChildren(nav, main, offline);

const views = new Map(); /* history key -> view */
let current = null;
let sheet = null; /* the upload sheet while it is open */
let side = null; /* comments, while they stand beside the stage */
const handed = new Map(); /* history key -> {source, index}: a list to open the stage on */

const titled = (text) => {
  document.title = text ? `${text} · ${NAME}` : NAME;
};

/* Addresses. */

function go(path, hand = null) {
  if (!hand && location.pathname === path) return route();
  const key = crypto.getRandomValues(new Uint32Array(2)).join('-');
  if (hand) handed.set(key, hand);
  history.pushState({ key, inside: true }, '', path);
  route();
}

function keyOf() {
  return location.pathname === '/' ? 'home' : (history.state?.key ?? location.pathname);
}

function back() {
  if (history.state?.inside) history.back();
  else go('/');
}

const hooks = {
  share,
  comments: (reel) => {
    side?.close();
    const opened = openComments(reel);
    if (!opened.dialog.matches(':modal')) {
      document.body.classList.add('beside');
      side = opened;
      opened.dialog.addEventListener('close', () => {
        if (side === opened) side = null;
        if (!side) document.body.classList.remove('beside');
      });
    }
  },
  menu: (reel, stage) => openReelMenu(reel, stage, { deleted: (gone) => deleted(gone) }),
  upload: () => upload(),
  refresh: () => refreshHome(),
  shown: () => side?.close(),
};

function deleted(reel) {
  for (const view of views.values()) {
    if (view instanceof Stage) view.remove((other) => other.id === reel.id);
    if (view instanceof Profile) view.drop(reel);
  }
}

/** A source that begins with one reel by its ID and goes on with the feed. */
class Linked extends Feed {
  constructor(reelId) {
    super();
    this.reelId = reelId;
  }

  async ask() {
    if (!this.linked) {
      const reel = await api.reel(this.reelId);
      if (reel.state !== 'READY') throw new ApiError(404, 'not_ready', 'This reel is not ready yet.');
      this.linked = true;
      const [known] = learn([reel]);
      this.items.push(known);
      return [known];
    }
    return super.ask();
  }
}

/** What an address names; an ID that cannot be decoded is nobody's, and the view says so. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function makeView(path, key) {
  const [, kind, id] = path.split('/');
  if (kind === 'u' && id) {
    return new Profile(decoded(id), {
      titled,
      home: () => go('/'),
      upload,
      signOut,
      deleted,
      view: (reel, source, index) => go(`/r/${reel.id}`, { source, index }),
    });
  }
  if (kind === 'r' && id) {
    const hand = handed.get(key);
    handed.delete(key);
    const source = hand?.source ?? new Linked(decoded(id));
    return new Stage(source, { ...hooks, back, refresh: () => go('/') }, hand?.index ?? 0);
  }
  return new Stage(new Feed(), hooks);
}

function route() {
  if (!session.user) return showSignIn();
  const key = keyOf();
  if (current && views.get(key) === current) return;
  side?.close();
  current?.hide();
  let view = views.get(key);
  if (!view) {
    view = makeView(location.pathname, key);
    views.set(key, view);
    for (const [old, other] of views) {
      if (views.size <= KEPT_MAX) break;
      if (old === key || old === 'home' || other === current) continue;
      other.destroy();
      views.delete(old);
    }
  }
  current = view;
  titled(view instanceof Profile ? view.user?.name : '');
  main.replaceChildren(view.root);
  document.body.classList.toggle('on-stage', view instanceof Stage);
  markNav();
  view.show();
}

function refreshHome() {
  views.get('home')?.destroy();
  views.delete('home');
  if (current && ![...views.values()].includes(current)) current = null;
  if (location.pathname === '/') route();
  else go('/');
}

function clearViews() {
  for (const view of views.values()) view.destroy();
  views.clear();
  handed.clear();
  current = null;
}

/* Who. */

function showSignIn(reason) {
  side?.close();
  sheet?.close();
  clearViews();
  pool.closeAll();
  forget();
  document.body.classList.remove('on-stage');
  document.body.classList.add('signed-out');
  titled('Sign in');
  const view = signIn(reason);
  main.replaceChildren(view.root);
  view.show();
}

function begin() {
  document.body.classList.remove('signed-out');
  buildNav();
  reporter.adopt();
  uploads.resume();
  route();
}

function signOut() {
  uploads.suspend();
  session.end();
}

session.on('change', (reason) => {
  if (session.user) {
    begin();
  } else {
    uploads.suspend();
    history.replaceState(null, '', location.pathname.startsWith('/r/') ? location.pathname : '/');
    showSignIn(reason);
  }
});

/* Navigation. */

function buildNav() {
  const { user } = session;
  const home = (event) => {
    event.preventDefault();
    if (location.pathname === '/') refreshHome();
    else go('/');
  };
  nav.replaceChildren(
    el('a.wordmark', { href: '/', onclick: home, 'aria-label': `${NAME}, to the feed` }, logo(), el('span', {}, NAME)),
    el(
      'div.nav-items',
      {},
      el('a.nav-item', { href: '/', 'data-nav': 'home', onclick: home }, icon('home'), el('span', {}, 'For you')),
      el('button.nav-item.nav-post', { type: 'button', onclick: () => upload(), 'aria-label': 'Post a reel' }, el('span.nav-plus', {}, icon('plus')), el('span', {}, 'Post')),
      el('a.nav-item', { href: `/u/${user.id}`, 'data-nav': 'me', 'data-link': true }, avatar(user.name, 'small'), el('span', {}, 'Profile')),
    ),
    el('div.nav-keys', {}, keyList(), el('button.link-button', { type: 'button', onclick: openKeys }, icon('keyboard'), 'All keys')),
  );
  markNav();
  showUploading();
}

function markNav() {
  const here = location.pathname === '/' ? 'home' : location.pathname === `/u/${session.user?.id}` ? 'me' : '';
  for (const item of nav.querySelectorAll('[data-nav]')) {
    const on = item.dataset.nav === here;
    item.classList.toggle('on', on);
    if (on) item.setAttribute('aria-current', 'page');
    else item.removeAttribute('aria-current');
  }
}

/* Links inside the app, wherever they are. */
document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[data-link]');
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  link.closest('dialog')?.close();
  go(new URL(link.href).pathname);
});

addEventListener('popstate', route);

/* Posting. */

function upload(file = null) {
  if (sheet || !session.user) return;
  const stage = current instanceof Stage ? current : null;
  stage?.setCovered(true);
  sheet = openUpload({
    file,
    view: (reel) => go(`/r/${reel.id}`),
    onclose: () => {
      sheet = null;
      stage?.setCovered(false);
    },
  });
}

function showUploading() {
  const button = nav.querySelector('.nav-post');
  if (!button) return;
  const busy = uploads.running || uploads.phase === 'processing';
  button.classList.toggle('busy', busy);
  button.classList.toggle('stuck', uploads.phase === 'stuck');
  const share = uploads.phase === 'processing' ? (uploads.reel?.progress_permille ?? 0) / 1000 : uploads.share;
  button.style.setProperty('--share', `${Math.round(share * 100)}%`);
  button.lastChild.textContent = busy ? (uploads.phase === 'processing' ? 'Processing' : `${Math.floor(share * 100)} %`) : 'Post';
}

uploads.on('change', showUploading);
uploads.on('resumed', () => toast('Your upload goes on'));
uploads.on('ready', (reel) => {
  changes.emit('posted', reel);
  if (!sheet) {
    toast('Your reel is ready', { kind: 'done', action: { label: 'Watch', run: () => (uploads.reset(), go(`/r/${reel.id}`)) } });
  }
});
uploads.on('failed', () => {
  changes.emit('posted', null);
  if (!sheet) toast("Your video can't be posted", { kind: 'error', action: { label: 'Why', run: () => upload() } });
});

/* A video may be dropped anywhere. */
const isFile = (event) => event.dataTransfer?.types.includes('Files');
addEventListener('dragover', (event) => isFile(event) && event.preventDefault());
addEventListener('drop', (event) => {
  if (!isFile(event)) return;
  event.preventDefault();
  if (!sheet && session.user) upload(event.dataTransfer.files[0] ?? null);
});

/* Keys. */

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !session.user) return;
  if (event.target.closest('input, textarea, select, dialog')) return;
  if (event.key === '?') openKeys();
  else if (event.key === 'u') upload();
  else if (event.key === 'Escape' && current?.hooks.back) current.hooks.back();
  else if (!(current instanceof Stage && current.key(event))) return;
  event.preventDefault();
});

/* The line. */

const showOffline = () => {
  offline.hidden = navigator.onLine;
};
addEventListener('online', () => {
  showOffline();
  if (uploads.phase === 'stuck') uploads.goOn();
});
addEventListener('offline', showOffline);
showOffline();

/* Another tab signed in or out. */
addEventListener('storage', (event) => {
  if (event.key === 'reels.session') location.reload();
});

if (session.user) begin();
else showSignIn();
