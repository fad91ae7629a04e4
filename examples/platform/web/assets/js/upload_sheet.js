/* Owns the sheet in which a reel is posted: choose, describe, send, wait. Closing it stops nothing;
 * opening it again shows where things are. */

import { append, bytes, el, icon, utf8Length } from './dom.js';
import { uploads } from './uploads.js';
import { ask, openSheet, toast } from './ui.js';

const CAPTION_BYTES_MAX = 2200;
const TYPES = /^video\/|^$/;

const PROCESS = [
  ['UPLOADED', 'In line'],
  ['PROCESSING', 'Making it play everywhere'],
  ['READY', 'Ready'],
];

export function openUpload({ file = null, view, onclose }) {
  let preview = null;
  const drop = () => {
    if (preview) URL.revokeObjectURL(preview);
    preview = null;
  };
  let stop = () => {};
  const sheet = openSheet({
    title: 'Post a reel',
    cls: 'sheet-upload',
    onclose: () => {
      stop();
      drop();
      onclose?.();
    },
  });
  let shown = null;
  const show = (name, ...parts) => {
    shown = name;
    sheet.body.replaceChildren();
    sheet.dialog.dataset.step = name;
    append(sheet.body, parts);
  };

  const choose = () => {
    const input = el('input.visually-hidden', { type: 'file', accept: 'video/*', 'aria-label': 'Choose a video', onchange: () => take(input.files[0]) });
    const zone = el(
      'label.drop',
      {},
      input,
      el('span.drop-symbol', {}, icon('upload')),
      el('strong.for-mouse', {}, 'Drop a video here'),
      el('span.for-mouse', {}, 'or choose one from this device'),
      el('strong.for-touch', {}, 'Post a video from this device'),
      el('span.button', {}, 'Choose a video'),
      el('small', {}, 'Upright looks best. MP4, MOV, WebM and most others.'),
    );
    show('choose', zone);
  };

  const take = (chosen) => {
    if (!chosen) return;
    if (!TYPES.test(chosen.type)) {
      toast(`“${chosen.name}” is not a video.`, { kind: 'error' });
      return;
    }
    if (!chosen.size) {
      toast(`“${chosen.name}” is empty.`, { kind: 'error' });
      return;
    }
    describe(chosen);
  };

  const picture = (chosen) => {
    drop();
    preview = URL.createObjectURL(chosen);
    const video = el('video', { src: preview, muted: true, loop: true, playsinline: true, autoplay: true, 'aria-label': 'Preview' });
    video.muted = true;
    const frame = el('div.preview', {}, video);
    video.addEventListener('error', () => frame.replaceChildren(icon('film'), el('small', {}, 'No preview in this browser')), { once: true });
    return frame;
  };

  const describe = (chosen) => {
    const caption = el('textarea.field.caption-field', { rows: '5', placeholder: 'What is it about?', 'aria-label': 'Caption', dir: 'auto' });
    const left = el('span.field-count', { 'aria-live': 'polite' });
    const post = el('button.button.button-wide', { type: 'submit' }, 'Post');
    const check = () => {
      const n = CAPTION_BYTES_MAX - utf8Length(caption.value);
      left.textContent = n < 400 ? String(n) : '';
      left.classList.toggle('over', n < 0);
      post.disabled = n < 0;
    };
    caption.addEventListener('input', check);
    const option = (value, name, label, hint) =>
      el(
        'label.choice',
        {},
        el('input', { type: 'radio', name: 'visibility', value, checked: value === 'public' }),
        el('span.choice-face', {}, icon(name), el('span', {}, el('strong', {}, label), el('small', {}, hint))),
      );
    const form = el(
      'form.describe',
      {
        onsubmit: (event) => {
          event.preventDefault();
          if (post.disabled) return;
          uploads.begin(chosen, caption.value.trim(), new FormData(form).get('visibility'));
        },
      },
      el(
        'div.describe-top',
        {},
        picture(chosen),
        el(
          'div.describe-text',
          {},
          caption,
          el('div.field-foot', {}, el('span', {}, `${bytes(chosen.size)}`), left),
        ),
      ),
      el('fieldset.choices', {}, el('legend', {}, 'Who can watch'), option('public', 'globe', 'Everybody', 'In feeds and on your profile'), option('private', 'lock', 'Only you', 'Nobody else can open it')),
      el('div.sheet-buttons', {}, el('button.button.button-quiet', { type: 'button', onclick: choose }, 'Another video'), post),
    );
    show('describe', form);
    check();
    if (!matchMedia('(pointer: coarse)').matches) caption.focus();
  };

  /* One layout for sending and processing: preview at the left, what goes on at the right. */
  let work = null;
  const makeWork = () => {
    const bar = el('div.bar', { role: 'progressbar', 'aria-label': 'Upload', 'aria-valuemin': '0', 'aria-valuemax': '100' }, el('div.bar-fill'));
    work = {
      bar,
      head: el('strong.work-head'),
      text: el('p.work-text', { 'aria-live': 'polite' }),
      percent: el('span.work-percent'),
      steps: el('ol.steps'),
      buttons: el('div.sheet-buttons'),
    };
    const frame = uploads.file ? picture(uploads.file) : el('div.preview', {}, icon('film'));
    show(
      'work',
      el('div.work', {}, frame, el('div.work-side', {}, el('div.work-line', {}, work.head, work.percent), bar, work.text, work.steps)),
      work.buttons,
    );
  };

  const button = (label, run, cls = '') => el(`button.button${cls}`, { type: 'button', onclick: run }, label);

  const showWork = () => {
    const { phase } = uploads;
    if (shown !== 'work') makeWork();
    const set = (share, head, text) => {
      work.bar.firstChild.style.transform = `scaleX(${share})`;
      work.bar.setAttribute('aria-valuenow', String(Math.round(share * 100)));
      work.percent.textContent = `${Math.floor(share * 100)} %`;
      work.head.textContent = head;
      if (work.text.textContent !== text) work.text.textContent = text;
    };
    sheet.dialog.dataset.phase = phase;
    if (uploads.running) {
      const left = uploads.speed > 0 ? (uploads.total - uploads.sent) / uploads.speed : 0;
      const pace = uploads.speed > 0 ? ` · ${bytes(uploads.speed)}/s${left > 1.5 ? ` · ${Math.ceil(left)} s left` : ''}` : '';
      const head = { sending: 'Uploading', paused: 'Paused', stuck: "The upload doesn't go on" }[phase];
      set(uploads.share, head, phase === 'stuck' ? uploads.problem : `${bytes(uploads.sent)} of ${bytes(uploads.total)}${phase === 'sending' ? pace : ''}`);
      work.steps.replaceChildren();
    } else {
      const state = phase === 'ready' ? 'READY' : (uploads.reel?.state ?? 'UPLOADED');
      const share = phase === 'ready' ? 1 : state === 'PROCESSING' ? uploads.reel.progress_permille / 1000 : 0;
      const head = phase === 'ready' ? 'Your reel is ready' : phase === 'failed' ? "This video can't be posted" : 'Processing';
      const text = phase === 'ready' ? 'It plays for everybody who may see it.' : phase === 'failed' ? uploads.problem : 'You can close this. It goes on without you.';
      set(share, head, text);
      const at = PROCESS.findIndex(([name]) => name === state);
      work.steps.replaceChildren(
        ...PROCESS.map(([name, label], i) =>
          el(`li.step${phase === 'failed' ? '' : i < at || state === 'READY' ? '.done' : i === at ? '.now' : ''}`, {}, el('span.step-dot', {}, (i < at || state === 'READY') && icon('check')), label, name === 'READY' && state !== 'READY' ? '' : null),
        ),
      );
    }
    const kind = phase;
    if (work.kind === kind) return;
    work.kind = kind;
    work.buttons.replaceChildren(...buttons(phase));
  };

  const giveUp = async () => {
    const yes = await ask({ title: 'Stop this upload?', text: 'What was sent so far is thrown away.', yes: 'Stop it', danger: true });
    if (yes) uploads.cancel();
  };

  const buttons = (phase) => {
    switch (phase) {
      case 'sending':
        return [button('Cancel', giveUp, '.button-quiet'), button('Pause', () => uploads.pause())];
      case 'paused':
        return [button('Cancel', giveUp, '.button-quiet'), button('Go on', () => uploads.goOn())];
      case 'stuck':
        return [button('Cancel', giveUp, '.button-quiet'), button('Try again', () => uploads.goOn())];
      case 'processing':
        return [button('Close', () => sheet.close(), '.button-quiet')];
      case 'ready': {
        const watch = () => {
          const { reel } = uploads;
          sheet.close();
          uploads.reset();
          view(reel);
        };
        return [button('Post another', () => uploads.reset(), '.button-quiet'), button('Watch it', watch)];
      }
      default:
        return [button('Close', () => (sheet.close(), uploads.reset()), '.button-quiet'), button('Choose another', () => uploads.reset())];
    }
  };

  const render = () => {
    if (uploads.phase !== 'idle') showWork();
    else if (shown === null || shown === 'work') choose();
  };

  /* A video may be dropped anywhere on the sheet. */
  const { dialog } = sheet;
  for (const name of ['dragenter', 'dragover']) {
    dialog.addEventListener(name, (event) => {
      event.preventDefault();
      dialog.classList.add('dragover');
    });
  }
  dialog.addEventListener('dragleave', (event) => {
    if (!dialog.contains(event.relatedTarget)) dialog.classList.remove('dragover');
  });
  dialog.addEventListener('drop', (event) => {
    event.preventDefault();
    dialog.classList.remove('dragover');
    if (uploads.phase === 'idle') take(event.dataTransfer.files[0]);
  });

  stop = uploads.on('change', render);
  render();
  if (file && uploads.phase === 'idle') take(file);
  return sheet;
}
