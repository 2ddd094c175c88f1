/** What stands behind the chips above the call: the connection in figures, and one's choice on recording. */

import { openDialog } from './dialogs.js';
import { h, setText } from './dom.js';
import { number, percent, sentence } from './format.js';
import { t } from './i18n.js';
import { reasonWords } from './quality-words.js';
import { other } from './store.js';
import { sayWhoHears } from './who-hears.js';

/**
 * @typedef {import('./store.js').Quality} Quality
 * @typedef {import('./i18n.js').Key} Key
 */

/** @type {[Key, (quality: Quality) => string][]} */
const FIGURES = [
  ['net.rtt', ({ rttMs }) => withUnit(rttMs, 'ms')],
  ['net.jitter', ({ jitterMs }) => withUnit(jitterMs, 'ms')],
  ['net.loss', ({ lossPercent }) => (lossPercent === null ? '' : percent(lossPercent, 1))],
  ['net.receive', ({ receiveKbps }) => withUnit(receiveKbps, 'kbit/s')],
  ['net.send', ({ sendKbps }) => withUnit(sendKbps, 'kbit/s')],
  ['net.available', ({ availableKbps }) => withUnit(availableKbps, 'kbit/s')],
  ['net.path', ({ relay }) => (relay ? t('net.relay', { protocol: relay.toUpperCase() }) : t('net.direct'))],
  ['net.codec', ({ codec }) => codec],
  ['net.srtp', ({ srtp }) => srtp],
  ['net.dtls', ({ dtls }) => dtls],
];

/**
 * @param {number | null} value
 * @param {string} unit
 */
function withUnit(value, unit) {
  return value === null ? '' : `${number(value)} ${unit}`;
}

/**
 * @param {HTMLElement} host
 * @param {import('./store.js').Store} store
 */
export function openConnectionDetails(host, store) {
  const summary = h('p', { class: 'lede' });
  const reasons = h('ul', { class: 'reasons' });
  const values = FIGURES.map(([key]) => [h('dt', { t: key }), h('dd')]);
  const speech = h('dd', { id: 'speech-service' });
  const dialog = openDialog(host, 'net.title', summary, reasons, h('dl', { class: 'figures' }, ...values.flat(), h('dt', { t: 'net.speech' }), speech),
    h('p', { class: 'muted', t: 'net.honest' }));
  const stop = store.watch(({ quality, voicesGoTo }) => {
    if (voicesGoTo === null) setText(speech, 'net.speechHere');
    else setText(speech, 'net.speechElsewhere', { service: voicesGoTo });
    setText(summary, `quality.${quality?.bars ?? 0}`);
    showReasons(reasons, quality);
    FIGURES.forEach(([, read], index) => {
      const cell = values[index]?.[1];
      if (cell) cell.textContent = (quality && read(quality)) || '–';
    });
  });
  dialog.addEventListener('close', stop);
}

/**
 * What is wrong, and what helps; the same lines stay, so that nobody loses the place while reading.
 * @param {HTMLElement} list
 * @param {Quality | null} quality
 */
function showReasons(list, quality) {
  const reasons = quality?.reasons ?? [];
  const relay = quality?.relay ?? '';
  const kinds = [...reasons.map(({ kind }) => kind), relay].join(' ');
  if (list.dataset.kinds !== kinds) {
    list.dataset.kinds = kinds;
    const items = reasons.map(({ kind }) => reasonItem(kind, h('b'), `advice.${kind}`));
    const detour = h('b', { t: 'relay.used', params: { protocol: relay.toUpperCase() } });
    list.replaceChildren(...items, ...(relay ? [reasonItem('relay', detour, relay === 'udp' ? null : 'relay.advice')] : []));
    list.hidden = kinds === '';
  }
  reasons.forEach((reason, index) => {
    const { key, params } = reasonWords(reason);
    const text = list.children[index]?.querySelector('b');
    if (text) setText(text, 'reason.sentence', { reason: () => sentence(t(key, params)) });
  });
}

/**
 * @param {string} kind
 * @param {HTMLElement} what
 * @param {Key | null} advice
 */
function reasonItem(kind, what, advice) {
  return h('li', { data: { reason: kind } }, what, advice && h('span', { t: advice }));
}

/**
 * @param {HTMLElement} host
 * @param {import('./session.js').Session} session
 */
export function openConsent(host, session) {
  const { store } = session;
  const external = store.state.consentMode === 'external';
  const state = h('p', { class: 'lede' });
  const reason = h('p', { hidden: true });
  const whoHears = h('p', { class: 'muted' });
  const button = h('button', { id: 'consent-change', class: 'button', hidden: external, attrs: { type: 'button' } });
  openDialog(host, external ? 'rec.details' : 'consent.dialog', state, reason,
    external ? null : h('p', { class: 'muted', t: 'consent.what' }), whoHears,
    external ? null : h('p', { class: 'muted', t: 'consent.kept' }), h('div', { class: 'dialog-actions' }, button),
  ).addEventListener('close', store.watch(({ seats, role, recording, recordingReason, voicesGoTo }) => {
    sayWhoHears(whoHears, voicesGoTo);
    const granted = seats[role]?.consent ?? session.consent ?? false;
    setText(state, external ? 'consent.external' : granted ? 'consent.nowYes' : 'consent.nowNo');
    const waits = granted && !external && seats[other(role)]?.consent === false;
    reason.hidden = !waits && !(recording === 'refused' && recordingReason);
    if (recording === 'refused' && recordingReason) setText(reason, `state.refused.${recordingReason}`);
    else if (waits) setText(reason, 'consent.waitsOther');
    setText(button, granted ? 'consent.withdraw' : 'consent.grant');
    button.onclick = () => session.setConsent(!granted);
  }));
}
