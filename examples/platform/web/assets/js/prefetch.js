/* Owns fetching ahead, by the server's plan and in its order, into the browser's cache. Nothing runs
 * before the current reel shows frames; whatever is under way stops the moment the viewer moves on or
 * the current reel stalls. */

const AT_ONCE = 2;
const BYTES_MAX = 8 << 20;

const nameOf = (step) => `${step.range ?? ''} ${step.url}`;

class Warmer {
  #done = new Set();
  #stop = null;

  /** True when the plan's steps for this address were carried out. */
  has(url) {
    const path = new URL(url, location.href).pathname;
    return this.#done.has(` ${path}`) || [...this.#done].some((name) => name.endsWith(` ${path}`));
  }

  cancel() {
    this.#stop?.abort();
    this.#stop = null;
  }

  /**
   * Fetches `steps` in order, two at a time; calls `onReel(reelId)` when all steps of a reel are done.
   * Starting again cancels what was under way.
   */
  async start(steps, onReel) {
    this.cancel();
    const connection = navigator.connection;
    if (connection?.saveData || /(^|-)2g$/.test(connection?.effectiveType ?? '')) return;
    const stop = new AbortController();
    this.#stop = stop;

    const left = new Map();
    for (const step of steps) left.set(step.reel_id, (left.get(step.reel_id) ?? 0) + 1);
    let budget = BYTES_MAX;
    let next = 0;
    const worker = async () => {
      while (next < steps.length && !stop.signal.aborted) {
        const step = steps[next++];
        if (!this.#done.has(nameOf(step))) {
          if (budget < step.bytes) return;
          budget -= step.bytes;
          if (!(await this.#fetch(step, stop.signal))) continue;
        }
        left.set(step.reel_id, left.get(step.reel_id) - 1);
        if (left.get(step.reel_id) === 0 && !stop.signal.aborted) onReel(step.reel_id);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  async #fetch(step, signal) {
    try {
      const headers = step.range ? { Range: step.range } : {};
      const response = await fetch(step.url, { headers, signal, priority: 'low' });
      if (!response.ok) return false;
      await response.arrayBuffer();
      this.#done.add(nameOf(step));
      return true;
    } catch {
      /* Prefetching is a kindness: the player asks again and reports what is wrong. */
      return false;
    }
  }
}

export const warmer = new Warmer();
