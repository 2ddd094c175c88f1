/** The way back after a break, as people see it: why, how long until the next try, and a button for those in a hurry. */

import { h, icon, setText } from './dom.js';

/** @typedef {Readonly<import('./store.js').State>} State */

const TICK_MS = 250;

/**
 * Whether this page has lost its server, or its media.
 * @param {State} state
 */
export function isCutOff(state) {
  return state.socket === 'waiting' || state.media === 'lost' || (state.socket === 'connecting' && state.roomZeroMs > -Infinity);
}

/**
 * @param {State} state
 * @returns {import('./i18n.js').Key}
 */
function cutOffKey(state) {
  return state.offline ? 'self.offline' : `self.${state.cutOff || 'lost'}`;
}

/**
 * Seconds until the next try, at least 1; 0 while one is under way or nothing is known.
 * @param {State} state
 * @param {number} nowMs
 */
function secondsToTry(state, nowMs) {
  const atMs = state.socket === 'open' ? state.mediaTryMs : state.socketTryMs;
  return atMs === null || atMs <= nowMs ? 0 : Math.ceil((atMs - nowMs) / 1000);
}

/**
 * @param {HTMLElement} host holds the notice while it is needed
 * @param {import('./call.js').CallOptions} options
 * @returns {() => void} closes
 */
export function reconnectNotice(host, { session, store }) {
  const why = h('span', { attrs: { role: 'status' } });
  // A timer is not read out at every tick.
  const countdown = h('span', { class: 'countdown', attrs: { role: 'timer', 'aria-live': 'off' } });
  const button = h('button', { id: 'retry-now', class: 'state-action', t: 'self.retry', attrs: { type: 'button' }, on: { click: () => session.network.retry() } });
  const notice = h('div', { class: 'state reconnect', data: { tone: 'warn' } }, icon('warning'), h('span', { class: 'reconnect-text' }, why, countdown), button);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let ticking;
  const tick = () => {
    const seconds = secondsToTry(store.state, performance.now());
    setText(countdown, seconds ? 'self.nextTry' : 'self.trying', { seconds });
  };
  const stopWatching = store.watch((state) => {
    if (!isCutOff(state)) {
      clearInterval(ticking);
      ticking = undefined;
      notice.remove();
      return;
    }
    notice.dataset.state = cutOffKey(state);
    if (!ticking) {
      host.prepend(notice);
      ticking = setInterval(tick, TICK_MS);
    }
    setText(why, cutOffKey(state));
    tick();
  });
  return () => {
    stopWatching();
    clearInterval(ticking);
  };
}
