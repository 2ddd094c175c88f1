/** The line above the call: time, recording, encryption, quality; each explains itself when pressed. */

import { h, icon, setIcon, setLabel, setText } from './dom.js';
import { openConnectionDetails, openConsent } from './call-details.js';
import { qualityWords } from './quality-words.js';
import { clock } from './format.js';
import { roomTime } from './store.js';

/**
 * @param {import('./call.js').CallOptions} options
 * @param {HTMLElement} dialogs
 * @returns {import('./call.js').Part}
 */
export function callBar({ store, session }, dialogs) {
  const title = h('span', { class: 'bar-title' });
  const time = h('span', { id: 'call-time', class: 'bar-time', text: '00:00', label: 'time.label', attrs: { role: 'timer' } });
  const recording = chip('recording-state', 'record', () => openConsent(dialogs, session));
  const encryption = chip('encryption', 'lock', () => openConnectionDetails(dialogs, store));
  const quality = chip('quality', 'bars-0', () => openConnectionDetails(dialogs, store));
  const element = h('div', { class: 'call-bar' },
    h('span', { class: 'brand-mark' }, icon('mark')), title, time,
    recording.button, h('span', { class: 'spacer' }), encryption.button, quality.button);
  const tick = setInterval(() => {
    time.textContent = clock(roomTime(store.state));
  }, 500);
  const stopWatching = store.watch((state) => {
    title.textContent = state.title;
    showRecording(recording, state);
    showEncryption(encryption, state);
    const bars = state.socket === 'open' && state.media === 'connected' ? (state.quality?.bars ?? 0) : 0;
    quality.show(`quality.${bars}`, String(bars), `bars-${bars}`, {}, qualityWords(bars, state.quality?.reasons ?? []));
  });
  return {
    element,
    close() {
      clearInterval(tick);
      stopWatching();
    },
  };
}

/**
 * @param {Chip} chip
 * @param {Readonly<import('./store.js').State>} state
 */
function showRecording(chip, state) {
  chip.show(`rec.${state.recording}`, state.recording, 'record');
}

/**
 * @param {Chip} chip
 * @param {Readonly<import('./store.js').State>} state
 */
function showEncryption(chip, state) {
  const encrypted = state.media === 'connected' && state.quality?.dtls === 'connected';
  const profile = state.quality?.srtp ?? '';
  const key = !encrypted ? 'enc.pending' : profile ? 'enc.onWith' : 'enc.on';
  chip.show(key, encrypted ? 'on' : 'pending', 'lock', { profile });
  chip.button.dataset.srtp = encrypted ? profile : '';
}

/** @typedef {ReturnType<typeof chip>} Chip */

/**
 * @param {string} id
 * @param {string} symbol
 * @param {() => void} open
 */
function chip(id, symbol, open) {
  const text = h('span', { class: 'chip-text' });
  const button = h('button', { id, class: 'chip', attrs: { type: 'button' }, on: { click: open } }, icon(symbol), text);
  return {
    button,
    /**
     * @param {import('./i18n.js').Key} key
     * @param {string} state
     * @param {string} shape
     * @param {import('./i18n.js').Params} [params]
     * @param {import('./quality-words.js').Words} [label] where it says more than the text
     */
    show(key, state, shape, params = {}, label = { key, params }) {
      button.dataset.state = state;
      setText(text, key, params);
      setLabel(button, label.key, label.params);
      setIcon(button, shape);
    },
  };
}
