/** What stands behind the chips above the call: the connection in figures, and one's choice on recording. */

import { openDialog } from './dialogs.js';
import { h, setText } from './dom.js';
import { number } from './format.js';
import { other } from './store.js';

/**
 * @typedef {import('./store.js').Quality} Quality
 * @typedef {import('./i18n.js').Key} Key
 */

/** @type {[Key, (quality: Quality) => string][]} */
const FIGURES = [
  ['net.rtt', (quality) => (quality.rttMs === null ? '' : `${number(quality.rttMs)} ms`)],
  ['net.loss', (quality) => (quality.lossPercent === null ? '' : `${number(quality.lossPercent, 1)} %`)],
  ['net.receive', (quality) => (quality.receiveKbps === null ? '' : `${number(quality.receiveKbps)} kbit/s`)],
  ['net.send', (quality) => (quality.sendKbps === null ? '' : `${number(quality.sendKbps)} kbit/s`)],
  ['net.codec', (quality) => quality.codec],
  ['net.srtp', (quality) => quality.srtp],
  ['net.dtls', (quality) => quality.dtls],
];

/**
 * @param {HTMLElement} host
 * @param {import('./store.js').Store} store
 */
export function openConnectionDetails(host, store) {
  const summary = h('p', { class: 'lede' });
  const values = FIGURES.map(([key]) => [h('dt', { t: key }), h('dd')]);
  const dialog = openDialog(host, 'net.title', summary, h('dl', { class: 'figures' }, ...values.flat()),
    h('p', { class: 'muted', t: 'net.honest' }));
  const stop = store.watch(({ quality }) => {
    setText(summary, `quality.${quality?.bars ?? 0}`);
    FIGURES.forEach(([, read], index) => {
      const cell = values[index]?.[1];
      if (cell) cell.textContent = (quality && read(quality)) || '–';
    });
  });
  dialog.addEventListener('close', stop);
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
  const button = h('button', { id: 'consent-change', class: 'button', hidden: external, attrs: { type: 'button' } });
  openDialog(host, external ? 'rec.details' : 'consent.dialog', state, reason,
    external ? null : h('p', { class: 'muted', t: 'consent.what' }),
    external ? null : h('p', { class: 'muted', t: 'consent.kept' }), h('div', { class: 'dialog-actions' }, button),
  ).addEventListener('close', store.watch(({ seats, role, recording, recordingReason }) => {
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
