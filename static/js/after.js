/** Afterwards: what was said, written, advised and recorded. */

import { h, icon } from './dom.js';
import { clock, number } from './format.js';
import { isKey, t } from './i18n.js';
import { recordingsSection, transcriptDownloads } from './after-files.js';
import { other } from './store.js';

/**
 * @typedef {object} AfterOptions
 * @property {import('./session.js').Session} session
 * @property {import('./session.js').Why} why
 * @property {import('./api.js').Api} api
 * @property {import('./toasts.js').Toasts} toasts
 * @property {() => void} onRejoin
 */

/** Endings after which there is nothing to show of the call. */
const NO_CALL = new Set(['unauthorized', 'room_full', 'not_found']);

/**
 * @param {AfterOptions} options
 * @returns {{ element: HTMLElement, close: () => void }}
 */
export function afterScreen(options) {
  const { why, session, onRejoin } = options;
  const canRejoin = why === 'left' || why === 'replaced' || why === 'fault';
  const rejoin = canRejoin ? h('button', { id: 'rejoin', class: 'button primary', t: 'after.rejoin', attrs: { type: 'button' }, on: { click: onRejoin } }) : null;
  const reasonKey = `after.endedHint.${session.endReason}`;
  const hint = why === 'ended' && isKey(reasonKey) ? reasonKey : /** @type {const} */ (`after.${why}Hint`);
  const head = h('header', { class: 'after-head' },
    h('h1', { t: `after.${why}`, attrs: { tabindex: '-1' } }), h('p', { class: 'lede', t: hint }), rejoin);
  if (NO_CALL.has(why) && !session.everJoined) {
    return { element: h('div', { class: 'notice-card' }, h('div', { class: 'notice-mark' }, icon('link')), head), close() {} };
  }
  const body = h('div', { class: 'after-body' });
  const recordings = session.store.state.role === 'clinician' && why === 'ended' ? recordingsSection(options) : null;
  const sections = h('div', { class: 'after-sections' });
  const draw = () => sections.replaceChildren(...drawn(options));
  session.record.on('caption', draw);
  session.record.on('tip', draw);
  session.record.addEventListener('known', draw);
  draw();
  void addStored(options);
  body.append(sections, h('div', { class: 'after-side' }, recordings?.element ?? null, transcriptDownloads(options)));
  return {
    element: h('div', { class: 'after' }, head, facts(options), body),
    close: () => recordings?.close(),
  };
}

/**
 * The server may know more than this page: what was said while it was away, or all of a consultation that had ended
 * before this page came.
 * @param {AfterOptions} options
 */
async function addStored({ api, session }) {
  const known = await api.consultation().catch(() => null);
  for (const { role, name } of known?.participants ?? []) session.peerNames[role] ??= name;
  if (!session.everJoined && known?.opened_at && known.ended_at) {
    session.endedAtS = (Date.parse(known.ended_at) - Date.parse(known.opened_at)) / 1000;
  }
  session.record.dispatchEvent(new Event('known'));
  const stored = await api.transcript().catch(() => []);
  for (const { id, role, start_s: startS, end_s: endS, text, language } of stored) {
    session.record.putCaption({ id, role, startS, endS, text, language, settledChars: text.length, final: true, gap: false });
  }
}

/** @param {AfterOptions} options */
function facts({ session }) {
  const { role } = session.store.state;
  /** @type {[import('./i18n.js').Key, () => string][]} */
  const rows = [
    ['after.duration', () => clock(session.endedAtS)],
    ['after.with', () => session.peerNames[other(role)] ?? '–'],
    ['after.words', () => number(session.record.transcript().reduce((sum, { text }) => sum + text.split(/\s+/).length, 0))],
  ];
  const cells = rows.map(([key, read]) => ({ key, read, cell: h('dd') }));
  const fill = () => {
    for (const { read, cell } of cells) cell.textContent = read();
  };
  session.record.on('caption', fill);
  session.record.addEventListener('known', fill);
  fill();
  return h('dl', { class: 'facts' }, ...cells.map(({ key, cell }) => h('div', { class: 'fact' }, h('dt', { t: key }), cell)));
}

/** @param {AfterOptions} options */
function drawn({ session }) {
  const { role } = session.store.state;
  const transcript = session.record.transcript().map((caption) => line(caption.role, nameOf(session, caption.role), caption.startS, caption.text, caption.language));
  const chat = [...session.record.chat.values()].map((entry) => line(entry.role, entry.name, entry.atS, entry.text, ''));
  const tips = [...session.record.tips.values()].map(tipLine);
  return [
    section('after.transcript', 'after.noTranscript', transcript, 'transcript'),
    ...(role === 'clinician' || tips.length ? [section('after.tips', 'after.noTips', tips, 'summary-tips')] : []),
    section('after.chat', 'after.noChat', chat, 'summary-chat'),
  ];
}

/**
 * @param {import('./i18n.js').Key} title
 * @param {import('./i18n.js').Key} none
 * @param {HTMLElement[]} rows
 * @param {string} id
 */
function section(title, none, rows, id) {
  return h('section', { class: 'card', id }, h('h2', { t: title }),
    rows.length ? h('ol', { class: 'lines' }, ...rows) : h('p', { class: 'muted', t: none }));
}

/**
 * @param {import('./types.js').Role} role
 * @param {string} name
 * @param {number} atS
 * @param {string} text
 * @param {string} language
 */
function line(role, name, atS, text, language) {
  return h('li', { class: 'line', data: { role } }, h('time', { class: 'line-time', text: clock(atS) }),
    h('span', { class: 'line-name', text: name }), h('span', { class: 'line-text', text, attrs: language ? { lang: language } : {} }));
}

/** @param {import('./record.js').TipEntry} entry */
function tipLine({ tip, mark }) {
  return h('li', { class: `tip-line${tip.urgent ? ' urgent' : ''}` }, icon(tip.urgent ? 'urgent' : tip.kind),
    h('span', { class: 'line-text', text: tip.text }), mark ? h('span', { class: 'tag', t: `after.mark.${mark}` }) : null);
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('./types.js').Role} role
 */
function nameOf(session, role) {
  return session.peerNames[role] ?? t(`role.${role}`);
}
