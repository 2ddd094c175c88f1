/** What this page learns of its own network, and passes on: statistics, the browser's own word, and a wish to try now. */

import { watchQuality } from './quality.js';
import { other } from './store.js';

/** @typedef {import('./session.js').Session} Session */

const TELL_AFTER_MS = 2_000;

export class Network {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.store = session.store;
    /** @type {import('./types.js').Bars | null} what the server knows */
    this.toldBars = null;
    this.toldMs = -Infinity;
    /** @type {import('./stats.js').Uplinks} */
    this.uplinks = { own: null, other: null };
    this.stopQuality = () => {};
    this.offline = () => {
      this.store.set({ offline: true });
      session.signaling.doubt();
    };
    this.online = () => {
      this.store.set({ offline: false });
      if (session.signaling.fresh) session.connection.retry();
    };
  }

  /** Watch until `close`. */
  open() {
    window.addEventListener('offline', this.offline);
    window.addEventListener('online', this.online);
    this.store.set({ offline: !navigator.onLine });
    this.stopQuality = watchQuality(() => this.session.connection.pc, () => this.#circumstances(), (quality) => {
      this.store.set({ quality });
      this.#tell();
    });
  }

  close() {
    window.removeEventListener('offline', this.offline);
    window.removeEventListener('online', this.online);
    this.stopQuality();
  }

  /** A server that has just let us in knows nothing of our network. */
  welcomed() {
    this.toldBars = null;
    this.toldMs = -Infinity;
    this.#tell();
  }

  /** @param {import('./types.js').Pong} pong */
  answered(pong) {
    this.store.set({ roomZeroMs: performance.now() - pong.room_s * 1000 });
    this.uplinks = { own: pong.own_loss, other: pong.other_loss };
  }

  /** Somebody wants the next try now. */
  retry() {
    this.session.signaling.retry();
    if (this.session.signaling.fresh) this.session.connection.retry();
  }

  #circumstances() {
    const { seats, role, camera, screen } = this.store.state;
    const seat = seats[other(role)];
    return {
      uplinks: this.uplinks, sendsPicture: camera || screen, alone: seat?.connection !== 'connected', otherBars: seat?.bars ?? null,
    };
  }

  #tell() {
    const bars = this.store.state.quality?.ownBars ?? null;
    const nowMs = performance.now();
    // Timers come a little early now and then.
    if (bars === null || bars === this.toldBars || nowMs - this.toldMs < TELL_AFTER_MS - 100) return;
    if (!this.session.signaling.send({ type: 'quality', bars })) return;
    this.toldBars = bars;
    this.toldMs = nowMs;
  }
}

/** @param {number | null} ms from now @returns {number | null} as performance.now() tells it */
export function whenIn(ms) {
  return ms === null ? null : performance.now() + ms;
}
