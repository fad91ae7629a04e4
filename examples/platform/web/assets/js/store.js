/* Owns what is remembered on this device: the session (token and person) and small preferences.
 * Storage may be denied or full; the app then works without memory. */

const memory = new Map();

export function load(key, fallback = null) {
  try {
    const text = localStorage.getItem(`reels.${key}`);
    return text === null ? (memory.get(key) ?? fallback) : JSON.parse(text);
  } catch {
    return memory.get(key) ?? fallback;
  }
}

export function save(key, value) {
  memory.set(key, value);
  try {
    if (value === null) localStorage.removeItem(`reels.${key}`);
    else localStorage.setItem(`reels.${key}`, JSON.stringify(value));
  } catch {
    /* Kept in memory for this page. */
  }
}

export function keys(prefix) {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(`reels.${prefix}`))
      .map((key) => key.slice('reels.'.length));
  } catch {
    return [];
  }
}

/** Things that change and those who want to know. */
export class Emitter {
  #listeners = new Map();

  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.#listeners.get(name).delete(listener);
  }

  emit(name, ...values) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(...values);
  }
}
