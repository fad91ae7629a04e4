/* Owns the report: the cases of a suite in order, as TAP version 13. Cases of one suite build on each
 * other, so that after a failure the rest of it is reported as not run. */

export class Tap {
  #number = 0;
  #failed = 0;

  constructor() {
    console.log('TAP version 13');
  }

  #line(ok, name, note = '') {
    this.#number += 1;
    if (!ok) this.#failed += 1;
    console.log(`${ok ? 'ok' : 'not ok'} ${this.#number} - ${name}${note}`);
  }

  comment(text) {
    for (const line of String(text).split('\n')) console.log(`# ${line}`);
  }

  /** Runs cases, {name: async () => {}}; `onFailure(name)` may add evidence. */
  async suite(title, cases, onFailure = async () => {}) {
    let broken = null;
    for (const [name, run] of Object.entries(cases)) {
      const full = `${title}: ${name}`;
      if (broken) {
        this.#line(false, full);
        this.comment(`not run, since "${broken}" failed`);
        continue;
      }
      const begun = Date.now();
      try {
        await run();
        this.#line(true, full);
        this.comment(`${Date.now() - begun} ms`);
      } catch (error) {
        broken = name;
        this.#line(false, full);
        this.comment(error.stack ?? error);
        await onFailure(name).catch((other) => this.comment(`no evidence: ${other.message}`));
      }
    }
  }

  skip(title, why) {
    this.#line(true, title, ` # SKIP ${why}`);
  }

  /** The plan comes last; the exit status says whether all is well. */
  end() {
    console.log(`1..${this.#number}`);
    return this.#failed ? 1 : 0;
  }
}

/** Asks until `check` gives something true, or the time is up: tests wait for conditions. */
export async function until(what, check, { withinMs = 30000, everyMs = 100 } = {}) {
  const end = Date.now() + withinMs;
  let last;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      last = `it was ${JSON.stringify(value)}`;
    } catch (error) {
      last = error.message;
    }
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms for ${what}: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
