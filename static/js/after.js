/** Afterwards: what was said, written, advised and recorded. */

import { h, icon } from './dom.js';
import { clock, number } from './format.js';
import { isKey } from './i18n.js';
import { entitiesSection } from './after-entities.js';
import { transcriptDownloads } from './after-files.js';
import { recordingSection } from './after-recording.js';
import { reportSection } from './after-report.js';
import { captionOf, secondPass } from './after-second-pass.js';
import { transcriptSection } from './after-transcript.js';
import { other } from './store.js';
import { tipIcon } from './tip-card.js';

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
  const transcript = transcriptSection(session);
  const known = addNames(options);
  const second = why === 'ended' ? secondPass(options.api, transcript) : null;
  const isClinicians = session.store.state.role === 'clinician' && why === 'ended';
  const report = isClinicians ? reportSection(options) : null;
  if (report) head.append(report.link);
  const heard = {
    hold: (/** @type {boolean} */ keeps) => transcript.hold(keeps),
    show: (/** @type {number} */ nowS) => transcript.show(nowS),
    offer(/** @type {(atS: number) => void} */ from) {
      transcript.offer(from);
      report?.offer(from);
    },
  };
  const recording = isClinicians ? recordingSection(options, heard, known) : null;
  const named = session.store.state.role === 'clinician' ? entitiesSection(options.api, transcript) : null;
  const rest = h('div', { class: 'after-rest' });
  const draw = () => rest.replaceChildren(...drawn(options), recording?.files ?? '');
  session.record.on('caption', onceForMany(() => transcript.draw()));
  const redraw = onceForMany(draw);
  session.record.on('tip', redraw);
  session.record.on('chat', redraw);
  session.record.addEventListener('known', () => {
    draw();
    transcript.draw();
  });
  draw();
  transcript.draw();
  void known.then(() => addStored(options));
  const body = h('div', { class: 'after-body' }, transcript.element, h('div', { class: 'after-side' }, named?.element ?? null, transcriptDownloads(options, transcript.edition)));
  return {
    element: h('div', { class: 'after' }, head, facts(options), h('div', { class: 'listening' }, recording?.element ?? null, body), report?.element ?? null, rest),
    close() {
      transcript.close();
      recording?.close();
      report?.close();
      second?.close();
    },
  };
}

/**
 * The stored transcript comes line by line: it is drawn once.
 * @param {() => void} act
 */
function onceForMany(act) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      act();
    });
  };
}

/**
 * Who took part, and for how long it went on: a consultation may have ended before this page came.
 * @param {AfterOptions} options
 */
async function addNames({ api, session }) {
  const known = await api.consultation().catch(() => null);
  for (const { role, name } of known?.participants ?? []) session.peerNames[role] ??= name;
  if (!session.everJoined && known?.opened_at && known.ended_at) {
    session.endedAtS = (Date.parse(known.ended_at) - Date.parse(known.opened_at)) / 1000;
  }
  session.record.dispatchEvent(new Event('known'));
}

/**
 * The server may know more than this page: what came while it was away, or before it came.
 * @param {AfterOptions} options
 */
async function addStored({ api, session }) {
  const none = () => [];
  const [stored, tips, chat] = await Promise.all([api.transcript('live').catch(() => null), api.tips().catch(none), api.chat().catch(none)]);
  for (const { tip, mark, released_at_s: at } of tips) session.record.putTip({ tip, atS: 0, mark, released: at !== null });
  for (const { message_id: id, role, name, text, at_s: atS } of chat) session.record.putChat({ id, role, name, text, atS, pending: false });
  for (const utterance of stored?.utterances ?? []) session.record.putCaption(captionOf(utterance));
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
  session.record.on('caption', onceForMany(fill));
  session.record.addEventListener('known', fill);
  fill();
  return h('dl', { class: 'facts' }, ...cells.map(({ key, cell }) => h('div', { class: 'fact' }, h('dt', { t: key }), cell)));
}

/** @param {AfterOptions} options */
function drawn({ session }) {
  const { role } = session.store.state;
  const chat = [...session.record.chat.values()].map(({ role: writer, name, atS, text }) => h('li', { class: 'line', data: { role: writer } },
    h('time', { class: 'line-time', text: clock(atS) }), h('span', { class: 'line-name', text: name }), h('span', { class: 'line-text', text })));
  const tips = [...session.record.tips.values()].map(tipLine);
  return [
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

/** @param {import('./record.js').TipEntry} entry */
function tipLine({ tip, mark }) {
  return h('li', { class: `tip-line${tip.urgent ? ' urgent' : ''}` }, icon(tipIcon(tip)),
    h('span', { class: 'line-text', text: tip.text }), mark ? h('span', { class: 'tag', t: `after.mark.${mark}` }) : null);
}
