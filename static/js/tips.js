/** Advice for its reader: urgent first, with the words it rests on. */

import { h, icon } from './dom.js';
import { t } from './i18n.js';

/**
 * @typedef {import('./record.js').TipEntry} TipEntry
 * @typedef {import('./types.js').TipMark} TipMark
 * @typedef {(utteranceId: string, quote: string) => void} Jump
 */

/** @type {[TipMark, string, import('./i18n.js').Key][]} */
const MARKS = [['useful', 'useful', 'tips.useful'], ['done', 'done', 'tips.done'], ['dismissed', 'close', 'tips.dismiss']];
const KIND_ICONS = { tip: 'tip', action: 'action', answer: 'answer' };

/**
 * @param {import('./call.js').CallOptions} options
 * @param {Jump} jump
 * @returns {import('./call.js').Part}
 */
export function tipsPanel({ session, store }, jump) {
  const list = h('ul', { id: 'tips', class: 'tips' });
  const empty = h('p', { class: 'panel-empty', t: 'tips.empty' });
  const spoken = h('div', { class: 'visually-hidden', attrs: { 'aria-live': 'polite' } });
  const heading = h('h2', { t: 'tips.title', attrs: { tabindex: '-1' } });
  const scroller = h('div', { class: 'scroller', label: 'tips.title', attrs: { tabindex: '0', role: 'region' } }, empty, list);
  scroller.removeAttribute('title');
  const element = h('section', { class: 'panel tips-panel' }, heading, scroller, h('p', { class: 'panel-foot', t: 'tips.aid' }), spoken);
  /** @type {Map<string, HTMLElement>} */
  const cards = new Map();

  /** @param {TipEntry} entry */
  const put = (entry) => {
    const known = session.record.tips.get(entry.tip.id) ?? entry;
    let card = cards.get(known.tip.id);
    if (!card) {
      card = newCard(known, jump, (mark) => session.markTip(known.tip.id, mark));
      cards.set(known.tip.id, card);
      const key = known.tip.urgent ? 'tips.announceUrgent' : 'tips.announce';
      spoken.replaceChildren(h('p', { text: t(key, { text: known.tip.text }) }));
    }
    const hadFocus = card.contains(document.activeElement);
    showMark(card, known.mark);
    arrange(list, [...session.record.tips.values()].filter(({ mark }) => mark !== 'dismissed'), cards);
    if (hadFocus && !card.isConnected) heading.focus();
    empty.hidden = list.children.length > 0;
  };
  session.record.on('tip', put);
  const stopWatching = store.watch(({ role }) => {
    const none = role === 'patient' && cards.size === 0;
    if (element.hidden !== none) element.hidden = none;
  });
  return { element, close: stopWatching };
}

/**
 * @param {TipEntry} entry
 * @param {Jump} jump
 * @param {(mark: TipMark) => void} onMark
 */
function newCard({ tip }, jump, onMark) {
  const kind = h('span', { class: 'tip-kind' }, icon(tip.urgent ? 'urgent' : KIND_ICONS[tip.kind]),
    h('span', { t: tip.urgent ? 'tips.urgent' : `tips.kind.${tip.kind}` }));
  const subject = tip.subject ? h('span', { class: 'tip-subject', text: tip.subject }) : null;
  const evidence = tip.evidence.filter(({ quote }) => quote).map((cited) => h('button', {
    class: 'evidence', attrs: { type: 'button' }, on: { click: () => jump(cited.utterance_id, cited.quote) },
  }, icon('quote'), h('q', { text: cited.quote }), h('span', { class: 'visually-hidden', t: 'tips.evidence' })));
  const buttons = MARKS.map(([mark, symbol, key]) => h('button', {
    class: 'mark', data: { mark }, attrs: { type: 'button' }, on: { click: () => onMark(mark) },
  }, icon(symbol), h('span', { t: key })));
  return h('li', { class: `tip${tip.urgent ? ' urgent' : ''}`, data: { tip: tip.id, kind: tip.kind, urgent: String(tip.urgent) } },
    h('div', { class: 'tip-head' }, kind, subject), h('p', { class: 'tip-text', text: tip.text }),
    evidence.length ? h('div', { class: 'tip-evidence' }, ...evidence) : null, h('div', { class: 'tip-marks' }, ...buttons));
}

/**
 * @param {HTMLElement} card
 * @param {TipMark | null} mark
 */
function showMark(card, mark) {
  card.dataset.mark = mark ?? '';
  for (const button of card.querySelectorAll('button.mark')) {
    if (button instanceof HTMLElement && button.dataset.mark !== 'dismissed') {
      button.setAttribute('aria-pressed', String(button.dataset.mark === mark));
    }
  }
}

/**
 * Bring the cards into order, moving only those out of place so that focus stays where it is.
 * @param {HTMLElement} list
 * @param {TipEntry[]} entries
 * @param {Map<string, HTMLElement>} cards
 */
function arrange(list, entries, cards) {
  const order = entries.sort((a, b) => rank(a) - rank(b) || b.atS - a.atS);
  const wanted = order.flatMap(({ tip }) => cards.get(tip.id) ?? []);
  for (const card of [...list.children]) if (!wanted.includes(/** @type {HTMLElement} */ (card))) card.remove();
  wanted.forEach((card, index) => {
    if (list.children[index] !== card) list.insertBefore(card, list.children[index] ?? null);
  });
}

/** @param {TipEntry} entry */
function rank({ tip, mark }) {
  if (mark === 'done') return 2;
  return tip.urgent ? 0 : 1;
}
