/* Owns what opens over a reel: comments, sharing, its menu, and the list of keys. */

import { api, session } from './api.js';
import { ago, append, avatar, el, icon, utf8Length } from './dom.js';
import { changes, Comments, setUser } from './reels.js';
import { ask, iconButton, openMenu, openSheet, toast, toastError } from './ui.js';

const COMMENT_BYTES_MAX = 2000;

export function openComments(reel) {
  const comments = new Comments(reel);
  const number = el('span.sheet-count', {}, String(reel.counts.comments));
  const sheet = openSheet({ title: 'Comments', cls: 'sheet-comments', side: true, head: number });
  const list = el('ol.comments', { 'aria-label': 'Comments' });
  const foot = el('div.comments-foot');
  const scroll = el('div.sheet-scroll', {}, list, foot);

  const recount = (delta) => {
    reel.counts.comments = Math.max(0, reel.counts.comments + delta);
    number.textContent = String(reel.counts.comments);
    changes.emit('reel', reel);
  };
  const row = (comment) => {
    const mine = comment.author.id === session.user.id || reel.creator.id === session.user.id;
    const node = el(
      'li.comment',
      {},
      el('a', { href: `/u/${comment.author.id}`, 'data-link': true, 'aria-label': `Profile of ${comment.author.name}` }, avatar(comment.author.name)),
      el(
        'div.comment-main',
        {},
        el(
          'p.comment-head',
          {},
          el('a.comment-name', { href: `/u/${comment.author.id}`, 'data-link': true }, comment.author.name),
          comment.author.id === reel.creator.id && el('span.tag', {}, 'Creator'),
          el('span', {}, ago(comment.created_ms)),
        ),
        el('p.comment-text', { dir: 'auto' }, comment.text),
      ),
      mine && iconButton('trash', 'Delete this comment', () => remove(comment, node), 'comment-delete'),
    );
    return node;
  };
  const remove = async (comment, node) => {
    node.classList.add('going');
    try {
      await api.deleteComment(reel.id, comment.id);
    } catch (error) {
      if (error.status !== 404) {
        node.classList.remove('going');
        toastError(error);
        return;
      }
    }
    comments.items = comments.items.filter((other) => other !== comment);
    node.remove();
    recount(-1);
    showFoot();
  };
  const showFoot = (state = 'idle', error = null) => {
    foot.replaceChildren();
    if (state === 'loading') foot.append(el('div.spinner.spinner-inline', { role: 'status', 'aria-label': 'Loading' }));
    else if (error) {
      append(foot, [
        el('p', {}, error.message),
        el('button.button.button-quiet', { type: 'button', onclick: more }, icon('refresh'), 'Try again'),
      ]);
    } else if (!comments.items.length) {
      append(foot, [icon('comment'), el('p.strong', {}, 'No comments yet'), el('p', {}, 'Say the first thing.')]);
      foot.classList.add('comments-empty');
      return;
    }
    foot.classList.remove('comments-empty');
  };
  const more = async () => {
    if (comments.done) return;
    showFoot('loading');
    try {
      const fresh = await comments.more();
      append(list, fresh.map(row));
      showFoot();
    } catch (error) {
      showFoot('idle', error);
    }
  };
  scroll.addEventListener('scroll', () => {
    if (scroll.scrollTop + scroll.clientHeight > scroll.scrollHeight - 240) more();
  });

  const field = el('textarea.comment-field', {
    rows: '1',
    placeholder: 'Add a comment',
    'aria-label': 'Add a comment',
    maxlength: String(COMMENT_BYTES_MAX),
    enterkeyhint: 'send',
  });
  const send = iconButton('send', 'Post the comment', () => post(), 'comment-send');
  const check = () => {
    field.style.height = 'auto';
    field.style.height = `${Math.min(120, field.scrollHeight)}px`;
    send.disabled = !field.value.trim() || utf8Length(field.value) > COMMENT_BYTES_MAX;
  };
  const post = async () => {
    const text = field.value.trim();
    if (!text || send.disabled) return;
    send.disabled = true;
    field.readOnly = true;
    try {
      const comment = await api.addComment(reel.id, text);
      comments.items.unshift(comment);
      list.prepend(row(comment));
      scroll.scrollTop = 0;
      field.value = '';
      recount(1);
      showFoot();
    } catch (error) {
      toastError(error);
    } finally {
      field.readOnly = false;
      check();
      field.focus();
    }
  };
  field.addEventListener('input', check);
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      post();
    }
  });
  append(sheet.body, [
    scroll,
    el('form.comment-form', { onsubmit: (event) => (event.preventDefault(), post()) }, avatar(session.user.name), field, send),
  ]);
  check();
  more();
  return sheet;
}

export async function share(reel, stage) {
  const url = new URL(`/r/${reel.id}`, location.href).href;
  const data = { title: `A reel by ${reel.creator.name}`, text: reel.caption.slice(0, 200), url };
  const phone = matchMedia('(pointer: coarse)').matches;
  try {
    if (phone && navigator.share && (navigator.canShare?.(data) ?? true)) {
      await navigator.share(data);
    } else {
      await navigator.clipboard.writeText(url);
      toast('Link copied', { kind: 'done' });
    }
  } catch (error) {
    if (error.name === 'AbortError') return; /* The viewer thought better of it. */
    showLink(url);
  }
  stage.report('share', reel);
  reel.counts.shares += 1;
  changes.emit('reel', reel);
}

/** Where neither sharing nor the clipboard is allowed, the link can still be copied by hand. */
function showLink(url) {
  const sheet = openSheet({ title: 'Share', cls: 'sheet-ask' });
  const field = el('input.field', { type: 'text', readonly: true, value: url, 'aria-label': 'Link to this reel' });
  append(sheet.body, [el('p.ask-text', {}, 'Copy this link:'), field]);
  field.select();
}

const REASONS = [
  ['spam', 'Spam or misleading'],
  ['violence', 'Violence or threats'],
  ['hate', 'Hate or harassment'],
  ['nudity', 'Nudity or sexual content'],
  ['rights', 'Uses my work or picture'],
  ['other', 'Something else'],
];

function openReport(reel, stage) {
  openMenu(
    'What is wrong with it?',
    REASONS.map(([reason, label]) => ({
      icon: 'flag',
      label,
      run: () => {
        stage.report('report', reel, { reason });
        toast('Thank you. It will be looked at.', { kind: 'done' });
      },
    })),
  );
}

export function openReelMenu(reel, stage, { deleted }) {
  const { id, name } = reel.creator;
  if (stage.isMine(reel)) {
    openMenu('Your reel', [
      { icon: 'link', label: 'Copy link', run: () => copyLink(reel, stage) },
      { icon: 'trash', label: 'Delete', hint: 'For good, for everybody', danger: true, run: () => deleteReel(reel, deleted) },
    ]);
    return;
  }
  const away = async (kind, said) => {
    if (!(await setUser(id, kind, true))) return;
    stage.remove((other) => other.creator.id === id);
    toast(said, { action: { label: 'Undo', run: () => setUser(id, kind, false) } });
  };
  openMenu(`Reel by ${name}`, [
    { icon: 'link', label: 'Copy link', run: () => copyLink(reel, stage) },
    {
      icon: 'hide',
      label: 'Not interested',
      hint: 'Less like this',
      run: () => {
        stage.report('not_interested', reel);
        stage.remove((other) => other === reel);
        toast("You'll see less like this", { kind: 'done' });
      },
    },
    { icon: 'mute', label: `Mute ${name}`, hint: 'Their reels stay out of your feed', run: () => away('mute', `${name} is muted`) },
    {
      icon: 'block',
      label: `Block ${name}`,
      hint: 'Neither of you sees the other',
      danger: true,
      run: async () => {
        const yes = await ask({
          title: `Block ${name}?`,
          text: 'You no longer see each other, here or anywhere else in the app.',
          yes: 'Block',
          danger: true,
        });
        if (yes) away('block', `${name} is blocked`);
      },
    },
    { icon: 'flag', label: 'Report', danger: true, run: () => openReport(reel, stage) },
  ]);
}

async function copyLink(reel, stage) {
  const url = new URL(`/r/${reel.id}`, location.href).href;
  try {
    await navigator.clipboard.writeText(url);
    toast('Link copied', { kind: 'done' });
    stage.report('share', reel);
  } catch {
    showLink(url);
  }
}

export async function deleteReel(reel, deleted) {
  const yes = await ask({
    title: 'Delete this reel?',
    text: 'It is gone for good, with its likes and comments.',
    yes: 'Delete',
    danger: true,
  });
  if (!yes) return;
  try {
    await api.deleteReel(reel.id);
  } catch (error) {
    if (error.status !== 404) {
      toastError(error);
      return;
    }
  }
  toast('Deleted', { kind: 'done' });
  deleted(reel);
}

const KEYS = [
  ['↓ J', 'Next reel'],
  ['↑ K', 'Previous reel'],
  ['Space', 'Pause or play'],
  ['← →', 'Back, ahead 5 s'],
  ['M', 'Sound'],
  ['L', 'Like'],
  ['S', 'Save'],
  ['C', 'Comments'],
  ['U', 'Post a reel'],
  ['?', 'These keys'],
];

export function openKeys() {
  const sheet = openSheet({ title: 'Keys', cls: 'sheet-ask' });
  sheet.body.append(keyList(KEYS));
}

export function keyList(keys = KEYS.slice(0, 6)) {
  return el(
    'dl.keys',
    {},
    keys.map(([names, what]) => el('div', {}, el('dt', {}, names.split(' ').map((name) => el('kbd', {}, name))), el('dd', {}, what))),
  );
}
