/* Owns the few helpers that every view builds its elements with: el(), icon(), avatar(), and how
 * numbers and times are written. Text always goes in as text nodes, never as markup. */

const SVG = 'http://www.w3.org/2000/svg';

/** Makes an element: el('button.big', {type: 'button', onclick: f}, 'text', child). */
export function el(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split('.');
  const node = document.createElement(tag || 'div');
  if (classes.length) node.className = classes.join(' ');
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'hidden' || key === 'disabled' || key === 'inert') node[key] = value;
    else if (value === true) node.setAttribute(key, '');
    else node.setAttribute(key, value);
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of children.flat()) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

/* Outlines on a 24 x 24 grid, drawn with a round 1.8 pen; names ending in `-fill` are filled. */
const ICONS = {
  home: 'M3.5 10.6 12 3.8l8.5 6.8v8.1a1.8 1.8 0 0 1-1.8 1.8h-3.9v-6.2H9.2v6.2H5.3a1.8 1.8 0 0 1-1.8-1.8z',
  plus: 'M12 5v14M5 12h14',
  user: 'M12 12.2a4.1 4.1 0 1 0 0-8.2 4.1 4.1 0 0 0 0 8.2zM4.2 20.4c.9-3.6 4-5.4 7.8-5.4s6.9 1.8 7.8 5.4',
  heart: 'M12 20.3C7 16.7 3.3 13.3 3.3 9.2A4.7 4.7 0 0 1 8 4.4c1.7 0 3.2.9 4 2.3.8-1.4 2.3-2.3 4-2.3a4.7 4.7 0 0 1 4.7 4.8c0 4.1-3.7 7.5-8.7 11.1z',
  comment: 'M12 4c-5 0-8.7 3.3-8.7 7.5 0 2.1.9 3.9 2.4 5.3l-.9 3.6 4-1.8c1 .3 2.1.4 3.2.4 5 0 8.7-3.3 8.7-7.5S17 4 12 4z',
  bookmark: 'M6 5.3A1.8 1.8 0 0 1 7.8 3.5h8.4A1.8 1.8 0 0 1 18 5.3v15.2l-6-4.3-6 4.3z',
  share: 'M13.5 4.5 21 11.5l-7.5 7v-4.2c-5 0-8.3 1.3-10.5 5 .5-6 3.7-10 10.5-10.6z',
  more: 'M5.5 12h.01M12 12h.01M18.5 12h.01',
  volume: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11',
  muted: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5',
  play: 'M7.5 4.8v14.4L19.5 12z',
  pause: 'M8 5v14M16 5v14',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M14.5 5.5 8 12l6.5 6.5',
  up: 'M5.5 14.5 12 8l6.5 6.5',
  down: 'M5.5 9.5 12 16l6.5-6.5',
  upload: 'M12 15.5V4.5M7.5 9 12 4.5 16.5 9M4.5 15.5v2.7a2.3 2.3 0 0 0 2.3 2.3h10.4a2.3 2.3 0 0 0 2.3-2.3v-2.7',
  lock: 'M7.5 10.5V8a4.5 4.5 0 0 1 9 0v2.5M6.3 10.5h11.4a1.3 1.3 0 0 1 1.3 1.3v7.4a1.3 1.3 0 0 1-1.3 1.3H6.3A1.3 1.3 0 0 1 5 19.2v-7.4a1.3 1.3 0 0 1 1.3-1.3z',
  globe: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM3.5 12h17M12 3.5c2.5 2.5 3.7 5.3 3.7 8.5s-1.2 6-3.7 8.5c-2.5-2.5-3.7-5.3-3.7-8.5S9.5 6 12 3.5z',
  trash: 'M4.5 6.5h15M9.5 6.5v-2h5v2M6.5 6.5l.8 12.3a1.8 1.8 0 0 0 1.8 1.7h5.8a1.8 1.8 0 0 0 1.8-1.7l.8-12.3M10.2 10.5v6M13.8 10.5v6',
  flag: 'M5.5 21V4M5.5 4.8c4-2.3 7 2 13 0v9.4c-6 2-9-2.3-13 0',
  hide: 'M4 4l16 16M9.9 5.7A9.6 9.6 0 0 1 12 5.5c5 0 8 4 9 6.5a12 12 0 0 1-2.8 3.9M6.3 7.7A12 12 0 0 0 3 12c1 2.5 4 6.5 9 6.5 1.6 0 3-.4 4.2-1M9.9 9.9a3 3 0 0 0 4.2 4.2',
  mute: 'M10.5 12.2a4.1 4.1 0 1 0 0-8.2 4.1 4.1 0 0 0 0 8.2zM3 20.4c.9-3.6 3.9-5.4 7.5-5.4M15 15.5l5.5 5.5M20.5 15.5 15 21',
  block: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM6 6l12 12',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 8.5v4.5M12 16.3v.01M10.4 4.5 3 17.5a1.8 1.8 0 0 0 1.6 2.8h14.8a1.8 1.8 0 0 0 1.6-2.8L13.6 4.5a1.8 1.8 0 0 0-3.2 0z',
  refresh: 'M20 11.5A8 8 0 0 0 5.7 7L3.5 9.5M3.5 4.5v5h5M4 12.5A8 8 0 0 0 18.3 17l2.2-2.5M20.5 19.5v-5h-5',
  send: 'M20.5 3.5 10.5 13.5M20.5 3.5 14 20.5l-3.5-7-7-3.5z',
  film: 'M5.3 4.5h13.4a1.8 1.8 0 0 1 1.8 1.8v11.4a1.8 1.8 0 0 1-1.8 1.8H5.3a1.8 1.8 0 0 1-1.8-1.8V6.3a1.8 1.8 0 0 1 1.8-1.8zM10 9v6l5-3z',
  grid: 'M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM13.5 13.5h6v6h-6z',
  wifi: 'M4 4l16 16M5 12.5a10 10 0 0 1 4-2.4M19 12.5a10 10 0 0 0-5-2.7M2.5 9a14 14 0 0 1 4.3-2.7M21.5 9A14 14 0 0 0 11 5.6M8.5 16a5 5 0 0 1 6 -.6M12 19.5h.01',
  keyboard: 'M4.3 6.5h15.4a1.3 1.3 0 0 1 1.3 1.3v8.4a1.3 1.3 0 0 1-1.3 1.3H4.3A1.3 1.3 0 0 1 3 16.2V7.8a1.3 1.3 0 0 1 1.3-1.3zM7 10h.01M10.3 10h.01M13.7 10h.01M17 10h.01M8.5 14h7',
  out: 'M10 4.5H6.3a1.8 1.8 0 0 0-1.8 1.8v11.4a1.8 1.8 0 0 0 1.8 1.8H10M15 8l4 4-4 4M19 12H9.5',
};

/** An icon; it is decoration, the control that holds it carries the label. */
export function icon(name) {
  const filled = name.endsWith('-fill');
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', filled ? 'icon icon-fill' : 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[filled ? name.slice(0, -5) : name]);
  svg.append(path);
  return svg;
}

/** The mark of the app: an upright frame with a play sign in it. */
export function logo() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 32 32');
  svg.setAttribute('class', 'logo');
  svg.setAttribute('aria-hidden', 'true');
  for (const [d, cls] of [
    ['M11 2.5h10a5 5 0 0 1 5 5v17a5 5 0 0 1-5 5H11a5 5 0 0 1-5-5v-17a5 5 0 0 1 5-5z', 'logo-frame'],
    ['M13.2 11.3v9.4a.6.6 0 0 0 .9.5l7.6-4.7a.6.6 0 0 0 0-1l-7.6-4.7a.6.6 0 0 0-.9.5z', 'logo-play'],
  ]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    path.setAttribute('class', cls);
    svg.append(path);
  }
  return svg;
}

/** A ring that fills with a share 0..1, for transcoding in a tile. */
export function ring() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 36 36');
  svg.setAttribute('class', 'ring');
  svg.setAttribute('aria-hidden', 'true');
  for (const cls of ['ring-back', 'ring-front']) {
    const circle = document.createElementNS(SVG, 'circle');
    circle.setAttribute('class', cls);
    circle.setAttribute('cx', '18');
    circle.setAttribute('cy', '18');
    circle.setAttribute('r', '15.915');
    svg.append(circle);
  }
  svg.setShare = (share) => {
    svg.lastChild.style.strokeDasharray = `${Math.round(share * 100)} 100`;
  };
  svg.setShare(0);
  return svg;
}

/** A face for a name: its first letter on a colour that the name decides. */
export function avatar(name, size = '') {
  let hash = 2166136261;
  for (const char of name.toLowerCase()) hash = Math.imul(hash ^ char.codePointAt(0), 16777619) >>> 0;
  const node = el(`span.avatar${size ? '.avatar-' + size : ''}`, { 'aria-hidden': 'true' }, [...name][0] ?? '?');
  node.style.setProperty('--hue', String(hash % 360));
  return node;
}

/** 1234 as 1.2K, 1284031 as 1.3M. */
export function count(n) {
  for (const [unit, letter] of [[1e9, 'B'], [1e6, 'M'], [1e3, 'K']]) {
    if (n >= unit) {
      const value = n / unit;
      const text = value < 99.95 ? (Math.floor(value * 10) / 10).toFixed(1) : String(Math.floor(value));
      return text.replace(/\.0$/, '') + letter;
    }
  }
  return String(n);
}

/** "1 like", "2 likes". */
export function plural(n, word) {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** How long ago, in one short word. */
export function ago(timeMs, nowMs = Date.now()) {
  const s = Math.max(0, Math.floor((nowMs - timeMs) / 1000));
  if (s < 60) return 'now';
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  if (s < 7 * 86400) return `${Math.floor(s / 86400)} d`;
  return new Date(timeMs).toLocaleDateString('en', { day: 'numeric', month: 'short', year: s > 300 * 86400 ? 'numeric' : undefined });
}

export function bytes(n) {
  if (n < 1e6) return `${Math.max(1, Math.round(n / 1e3))} kB`;
  if (n < 1e9) return `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} MB`;
  return `${(n / 1e9).toFixed(1)} GB`;
}

export function utf8Length(text) {
  return new TextEncoder().encode(text).length;
}

export const wantsLessMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
