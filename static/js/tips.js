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
 * @returns {import('./call.js').Part & { spoken: HTMLElement }} `spoken` is heard even while the panel is hidden
 */
export function tipsPanel({ session, store, toasts }, jump) {
  const list = h('ul', { id: 'tips', class: 'tips' });
  const empty = h('p', { class: 'panel-empty', t: 'tips.empty' });
  const announcer = newAnnouncer();
  let forgetToast = () => {};
  const heading = h('h2', { t: 'tips.title', attrs: { tabindex: '-1' } });
  const scroller = h('div', { class: 'scroller', label: 'tips.title', attrs: { tabindex: '0', role: 'region' } }, empty, list);
  scroller.removeAttribute('title');
  const element = h('section', { class: 'panel tips-panel' }, heading, scroller, h('p', { class: 'panel-foot', t: 'tips.aid' }));
  /** @type {Map<string, HTMLElement>} */
  const cards = new Map();

  /** @param {TipEntry} entry */
  const put = (entry) => {
    const known = session.record.tips.get(entry.tip.id) ?? entry;
    let card = cards.get(known.tip.id);
    if (!card) {
      card = newCard(known, jump, (mark) => session.markTip(known.tip.id, mark));
      cards.set(known.tip.id, card);
      store.set({ tips: cards.size });
      arrived(known);
    }
    const hadFocus = card.contains(document.activeElement);
    showMark(card, known.mark);
    arrange(list, [...session.record.tips.values()].filter(({ mark }) => mark !== 'dismissed'), cards);
    if (hadFocus && !card.isConnected) heading.focus();
    empty.hidden = list.children.length > 0;
  };
  /** @param {TipEntry} entry */
  const arrived = ({ tip, atS, mark }) => {
    const { unseenTips, unseenUrgent } = store.state;
    const isHidden = element.hidden ? store.state.role === 'clinician' : scroller.clientHeight === 0;
    if (isHidden && !mark) store.set({ unseenTips: unseenTips + 1, unseenUrgent: unseenUrgent || tip.urgent });
    if (!session.isNews(atS)) return;
    announcer.say(tip);
    if (!tip.urgent) return;
    if (isHidden) {
      const action = { key: /** @type {const} */ ('notice.show'), act: () => store.set({ tab: 'tips' }) };
      forgetToast = toasts.show({ key: 'notice.urgentTip', params: { text: tip.text }, tone: 'urgent', action });
    } else if (!scroller.contains(document.activeElement)) scroller.scrollTop = 0;
  };
  session.record.on('tip', put);
  const shown = new ResizeObserver(() => {
    if (scroller.clientHeight === 0) return;
    store.set({ unseenTips: 0, unseenUrgent: false });
    forgetToast();
  });
  shown.observe(scroller);
  const stopWatching = store.watch(({ role, tips }) => {
    const none = role === 'patient' && tips === 0;
    if (element.hidden !== none) element.hidden = none;
  });
  return {
    element,
    spoken: announcer.element,
    close() {
      stopWatching();
      shown.disconnect();
    },
  };
}

/** Speaks tips to screen readers: urgent ones at once, others when there is a pause. */
function newAnnouncer() {
  const calm = h('div', { attrs: { 'aria-live': 'polite' } });
  const urgent = h('div', { id: 'tips-alert', attrs: { role: 'alert' } });
  return {
    element: h('div', { class: 'visually-hidden' }, calm, urgent),
    /** @param {import('./types.js').Tip} tip */
    say(tip) {
      const words = h('p', { text: t(tip.urgent ? 'tips.announceUrgent' : 'tips.announce', { text: tip.text }) });
      (tip.urgent ? urgent : calm).replaceChildren(words);
    },
  };
}

/**
 * @param {TipEntry} entry
 * @param {Jump} jump
 * @param {(mark: TipMark) => void} onMark
 */
function newCard({ tip }, jump, onMark) {
  const kind = h('span', { class: 'tip-kind' }, icon(tip.urgent ? 'urgent' : KIND_ICONS[tip.kind]),
    h('span', { t: tip.urgent ? 'tips.urgent' : `tips.kind.${tip.kind}` }));
  const evidence = tip.evidence.filter(({ quote }) => quote).map((cited) => h('button', {
    class: 'evidence', attrs: { type: 'button', title: cited.quote }, on: { click: () => jump(cited.utterance_id, cited.quote) },
  }, icon('quote'), h('q', { text: cited.quote }), h('span', { class: 'visually-hidden', t: 'tips.evidence' })));
  const buttons = MARKS.map(([mark, symbol, key]) => h('button', {
    class: 'mark', data: { mark }, attrs: { type: 'button' }, on: { click: () => onMark(mark) },
  }, icon(symbol), h('span', { t: key })));
  return h('li', { class: `tip${tip.urgent ? ' urgent' : ''}`, data: { tip: tip.id, kind: tip.kind, urgent: String(tip.urgent) } },
    h('div', { class: 'tip-head' }, kind), h('p', { class: 'tip-text', text: tip.text }),
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
