/** Why the page is cut off from its server, in the words that help: the first reason counts until it is long. */

/** @typedef {import('./store.js').State['cutOff']} Reason */

/** @type {{ [code: number]: Reason }} */
const REASONS = { 1001: 'stopping', 4007: 'unavailable' };
const LONG_MS = 45_000;

export class CutOff {
  constructor() {
    this.sinceMs = NaN;
    /** @type {Reason} */
    this.reason = '';
  }

  /**
   * @param {import('./store.js').State['socket']} socket
   * @param {number} code with which it closed
   * @returns {Reason}
   */
  now(socket, code) {
    if (socket === 'open') {
      this.sinceMs = NaN;
      this.reason = '';
    } else if (socket === 'waiting') {
      if (Number.isNaN(this.sinceMs)) this.sinceMs = performance.now();
      const isLong = performance.now() - this.sinceMs > LONG_MS;
      this.reason = isLong ? 'lostLong' : (REASONS[code] ?? (this.reason || 'lost'));
    }
    return this.reason;
  }
}
