/** Connection quality and encryption, read from getStats every two seconds. */

import { figuresOf, totalsOf } from './stats.js';
import { Verdict } from './verdict.js';

/** @typedef {import('./store.js').Quality} Quality */

const PERIOD_MS = 2_000;

/**
 * Watch a connection's statistics.
 * @param {() => RTCPeerConnection | null} current
 * @param {() => import('./verdict.js').Circumstances & { uplinks: import('./stats.js').Uplinks }} circumstances
 * @param {(quality: Quality | null) => void} tell null while there is no connection
 * @returns {() => void} stops
 */
export function watchQuality(current, circumstances, tell) {
  /** @type {RTCPeerConnection | null} */
  let watched = null;
  /** @type {import('./stats.js').Totals | null} */
  let before = null;
  let verdict = new Verdict();
  const read = async () => {
    const pc = current();
    if (pc !== watched) [watched, before, verdict] = [pc, null, new Verdict()];
    if (!pc || pc.connectionState !== 'connected') {
      before = null;
      tell(null);
      return;
    }
    const stats = /** @type {Map<string, any>} */ (await pc.getStats());
    if (pc !== watched) return;
    const now = totalsOf(stats, performance.now(), before);
    const around = circumstances();
    const figures = figuresOf(stats, now, before, around.uplinks);
    before = now;
    tell({ ...figures, ...verdict.next(figures, around) });
  };
  const timer = setInterval(() => void read(), PERIOD_MS);
  void read();
  return () => clearInterval(timer);
}
