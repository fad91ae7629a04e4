/* Owns the screen that asks who one is. In demo mode any name will do. */

import { api, session } from './api.js';
import { el, icon, logo } from './dom.js';
import { load, save } from './store.js';

const NAME = /^[A-Za-z0-9._]{1,30}$/;

export function signIn(reason) {
  const field = el('input.field.signin-field', {
    type: 'text',
    name: 'name',
    placeholder: 'Your name',
    'aria-label': 'Your name',
    'aria-describedby': 'signin-hint',
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: 'false',
    maxlength: '30',
    value: load('name', ''),
  });
  const hint = el('p.signin-hint', { id: 'signin-hint', role: 'status' });
  const go = el('button.button.button-wide', { type: 'submit' }, 'Continue');
  const say = (text, bad = false) => {
    hint.textContent = text;
    hint.classList.toggle('bad', bad);
    field.setAttribute('aria-invalid', String(bad));
  };
  const calm = 'Letters, digits, dots and underscores. The same name is always the same person.';
  field.addEventListener('input', () => {
    const bad = field.value !== '' && !NAME.test(field.value.trim());
    say(bad ? 'Only letters, digits, dots and underscores, up to 30.' : calm, bad);
  });
  const form = el(
    'form.signin-form',
    {
      novalidate: true,
      onsubmit: async (event) => {
        event.preventDefault();
        const name = field.value.trim();
        if (!NAME.test(name)) {
          say(name ? 'Only letters, digits, dots and underscores, up to 30.' : 'A name is needed.', true);
          field.focus();
          return;
        }
        go.disabled = true;
        go.classList.add('busy');
        try {
          const kept = await api.signIn(name);
          save('name', name);
          session.begin(kept);
        } catch (error) {
          say(error.status === 404 ? 'This server signs nobody in by name: it is not in demo mode.' : error.message, true);
          go.disabled = false;
          go.classList.remove('busy');
        }
      },
    },
    field,
    go,
    hint,
  );
  say(reason === 'expired' ? 'You were signed out. Sign in again to go on.' : calm);
  const point = (name, text) => el('li', {}, icon(name), text);
  const root = el(
    'section.signin',
    { 'aria-label': 'Sign in' },
    el('div.signin-glow', { 'aria-hidden': 'true' }),
    el(
      'div.signin-card',
      {},
      el('div.wordmark', {}, logo(), 'libreels'),
      el('h1', {}, 'One video at a time.'),
      el('p.signin-lead', {}, 'Short videos from people you follow, and from some you will.'),
      form,
      el('ul.signin-points', {}, point('play', 'Swipe, scroll or use the arrow keys'), point('upload', 'Post from this device, even over a shaky line'), point('lock', 'Keep a reel to yourself when you like')),
    ),
  );
  return { root, show: () => field.focus({ preventScroll: true }), hide() {}, destroy: () => root.remove() };
}
