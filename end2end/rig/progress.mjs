// What the rig is doing, on standard error: one line that is rewritten on a terminal, plain lines elsewhere.
const REPORT_EVERY_MS = 30_000;

export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s`;
}

export class Progress {
  #active = new Set();
  #timer = null;
  #painted = false;

  constructor({ quiet = false, stream = process.stderr } = {}) {
    this.quiet = quiet;
    this.stream = stream;
  }

  /** Runs `work(update)` under a label; `update(text)` says what is going on inside. */
  async step(label, work) {
    const entry = { label, detail: '', since: Date.now(), reported: Date.now() };
    this.#active.add(entry);
    this.#watch();
    if (!this.stream.isTTY) this.note(`… ${label}`);
    try {
      const result = await work((detail) => { entry.detail = detail; });
      this.#active.delete(entry);
      this.note(`✓ ${label}${entry.detail ? `: ${entry.detail}` : ''} (${duration(Date.now() - entry.since)})`);
      return result;
    } catch (error) {
      this.#active.delete(entry);
      this.note(`✗ ${label} (after ${duration(Date.now() - entry.since)})`);
      throw error;
    } finally {
      if (this.#active.size === 0) this.#rest();
    }
  }

  note(text) {
    if (this.quiet) return;
    this.#clear();
    this.stream.write(`${text}\n`);
  }

  #watch() {
    if (this.quiet || this.#timer) return;
    this.#timer = setInterval(() => (this.stream.isTTY ? this.#paint() : this.#report()), this.stream.isTTY ? 250 : 1000);
    this.#timer.unref();
  }

  #rest() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#clear();
  }

  #text(entry) {
    const detail = entry.detail ? `: ${entry.detail}` : '';
    return `${entry.label}${detail}, ${duration(Date.now() - entry.since)}`;
  }

  #paint() {
    const text = [...this.#active].map((entry) => this.#text(entry)).join('  |  ');
    this.stream.write(`\r\x1b[2K… ${text.slice(0, (this.stream.columns || 100) - 4)}`);
    this.#painted = true;
  }

  #clear() {
    if (this.#painted) this.stream.write('\r\x1b[2K');
    this.#painted = false;
  }

  #report() {
    for (const entry of this.#active) {
      if (Date.now() - entry.reported < REPORT_EVERY_MS) continue;
      entry.reported = Date.now();
      this.note(`… ${this.#text(entry)}`);
    }
  }
}
