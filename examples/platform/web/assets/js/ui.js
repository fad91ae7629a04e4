/* Owns what lies over the views: sheets (dialogs), menus, questions and toasts. Dialogs are the
 * browser's own, so that focus stays inside and Escape closes them. */

import { append, el, icon } from './dom.js';

const TOAST_MS = 4200;
const TOASTS_MAX = 2;

/** Says something in passing; `action` = {label, run} adds a button. */
export function toast(text, { action = null, kind = '' } = {}) {
  const box = document.getElementById('toasts');
  while (box.children.length >= TOASTS_MAX) box.firstChild.remove();
  const close = () => node.remove();
  const node = el(
    `div.toast${kind ? '.toast-' + kind : ''}`,
    {},
    kind === 'error' && icon('alert'),
    kind === 'done' && icon('check'),
    el('span', {}, text),
    action &&
      el('button.toast-action', { type: 'button', onclick: () => (close(), action.run()) }, action.label),
  );
  box.append(node);
  setTimeout(close, action ? TOAST_MS * 2 : TOAST_MS);
}

/** What went wrong, in passing. */
export function toastError(error) {
  if (error.status === 401) return; /* The sign-in screen says it. */
  toast(error.message || 'Something went wrong.', { kind: 'error' });
}

export function iconButton(name, label, onclick, cls = '') {
  return el(`button.icon-button${cls ? '.' + cls : ''}`, { type: 'button', 'aria-label': label, title: label, onclick }, icon(name));
}

/**
 * Opens a sheet: from below on phones, in the middle or at the side on desktops.
 * `side` sheets leave the rest of the page alive on wide screens. Returns {dialog, body, close}.
 */
export function openSheet({ title, cls = '', side = false, onclose = null, head = null }) {
  const wide = matchMedia('(min-width: 1200px)').matches;
  const opener = document.activeElement;
  const body = el('div.sheet-body');
  const heading = el('h2.sheet-title', { id: `sheet-${Math.random().toString(36).slice(2)}` }, title);
  const close = () => dialog.close();
  const dialog = el(
    `dialog.sheet${cls ? '.' + cls : ''}${side && wide ? '.sheet-side' : ''}`,
    { 'aria-labelledby': heading.id, tabindex: '-1' },
    el('div.sheet-grip', { 'aria-hidden': 'true' }),
    el('header.sheet-head', {}, heading, head, iconButton('close', 'Close', close)),
    body,
  );
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    onclose?.();
  });
  dialog.addEventListener('keydown', (event) => {
    event.stopPropagation();
    if (event.key === 'Escape' && !dialog.matches(':modal')) close();
  });
  dragToClose(dialog, close);
  document.body.append(dialog);
  if (side && wide) dialog.show();
  else dialog.showModal();
  dialog.focus({ preventScroll: true });
  return { dialog, body, close };
}

/** A sheet pulled down by its head goes. */
function dragToClose(dialog, close) {
  let startY = null;
  const head = [dialog.querySelector('.sheet-grip'), dialog.querySelector('.sheet-head')];
  const move = (event) => {
    if (startY === null) return;
    dialog.style.transform = `translateY(${Math.max(0, event.clientY - startY)}px)`;
  };
  const up = (event) => {
    if (startY === null) return;
    const far = event.clientY - startY > 90;
    startY = null;
    dialog.classList.remove('dragging');
    dialog.style.transform = '';
    if (far) close();
  };
  for (const part of head) {
    part.addEventListener('pointerdown', (event) => {
      if (event.pointerType === 'mouse' || event.target.closest('button')) return;
      startY = event.clientY;
      dialog.classList.add('dragging');
      part.setPointerCapture(event.pointerId);
    });
    part.addEventListener('pointermove', move);
    part.addEventListener('pointerup', up);
    part.addEventListener('pointercancel', up);
  }
}

/** A list of things to do: [{icon, label, hint, danger, run}]. */
export function openMenu(title, items) {
  const sheet = openSheet({ title, cls: 'sheet-menu' });
  append(
    sheet.body,
    items.filter(Boolean).map((item) =>
      el(
        `button.menu-item${item.danger ? '.danger' : ''}`,
        { type: 'button', onclick: () => (sheet.close(), item.run()) },
        icon(item.icon),
        el('span.menu-text', {}, el('span', {}, item.label), item.hint && el('small', {}, item.hint)),
      ),
    ),
  );
  return sheet;
}

/** Asks before something that cannot be taken back. */
export function ask({ title, text, yes, danger = false }) {
  return new Promise((resolve) => {
    let answer = false;
    const sheet = openSheet({ title, cls: 'sheet-ask', onclose: () => resolve(answer) });
    const decide = (value) => () => {
      answer = value;
      sheet.close();
    };
    append(sheet.body, [
      el('p.ask-text', {}, text),
      el(
        'div.ask-buttons',
        {},
        el('button.button.button-quiet', { type: 'button', onclick: decide(false) }, 'Cancel'),
        el(`button.button${danger ? '.button-danger' : ''}`, { type: 'button', onclick: decide(true) }, yes),
      ),
    ]);
  });
}

/** A whole view that says one thing: nothing here yet, or what failed. */
export function notice({ symbol, title, text, action = null, second = null }) {
  const button = (what, cls) =>
    what && el(`button.button${cls}`, { type: 'button', onclick: what.run }, what.icon && icon(what.icon), what.label);
  return el(
    'div.notice',
    {},
    el('div.notice-symbol', {}, icon(symbol)),
    el('h2', {}, title),
    el('p', {}, text),
    el('div.notice-buttons', {}, button(action, ''), button(second, '.button-quiet')),
  );
}
