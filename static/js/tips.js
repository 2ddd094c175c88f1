/** Advice for its reader: urgent first, with the words it rests on; and where the clinician asks. */

import { askForm } from './ask.js';
import { h, setText } from './dom.js';
import { t } from './i18n.js';
import { pendingCard, showState, tipCard } from './tip-card.js';

/**
 * @typedef {import('./record.js').TipEntry} TipEntry
 */

/**
 * @param {import('./call.js').CallOptions} options
 * @param {import('./tip-card.js').Jump} jump
 * @returns {import('./call.js').Part & { spoken: HTMLElement }} `spoken` is heard even while the panel is hidden
 */
export function tipsPanel(options, jump) {
  const { session, store, toasts } = options;
  const list = h('ul', { id: 'tips', class: 'tips' });
  const empty = h('p', { class: 'panel-empty', t: 'tips.empty' });
  const announcer = newAnnouncer();
  let forgetToast = () => {};
  const heading = h('h2', { t: 'tips.title', attrs: { tabindex: '-1' } });
  const ask = askForm(options);
  const scroller = h('div', { class: 'scroller', label: 'tips.title', attrs: { tabindex: '0', role: 'region' } }, empty, list, ask.element);
  scroller.removeAttribute('title');
  const foot = h('p', { class: 'panel-foot', t: 'tips.aid' });
  const element = h('section', { class: 'panel tips-panel' }, heading, scroller, foot);
  /** @type {Map<string, HTMLElement>} */
  const cards = new Map();
  const isClinician = () => store.state.role === 'clinician';

  /** @param {TipEntry} entry */
  const put = (entry) => {
    const known = session.record.tips.get(entry.tip.id) ?? entry;
    let card = cards.get(known.tip.id);
    const isNew = !card;
    if (!card) {
      const acts = { jump, mark: session.markTip.bind(session, known.tip.id), release: session.releaseTip.bind(session, known.tip.id) };
      card = tipCard(known, isClinician() ? acts : null, jump);
      cards.set(known.tip.id, card);
      store.set({ tips: cards.size });
      arrived(known);
    }
    const hadFocus = card.contains(document.activeElement);
    showState(card, known);
    show();
    if (isNew && known.tip.kind === 'answer' && session.isNews(known.atS)) reveal(card);
    if (hadFocus && !card.contains(document.activeElement)) heading.focus();
  };
  const show = () => {
    const tips = [...session.record.tips.values()].filter(({ mark }) => mark !== 'dismissed').sort((a, b) => rank(a) - rank(b) || b.atS - a.atS);
    const pending = session.record.pendingQuestions().map((question) => {
      const card = cards.get(question.id) ?? pendingCard(question);
      cards.set(question.id, card);
      return card;
    });
    const urgent = tips.filter((entry) => rank(entry) === 0).length;
    const wanted = tips.flatMap(({ tip }) => cards.get(tip.id) ?? []);
    wanted.splice(urgent, 0, ...pending);
    arrange(list, wanted);
    empty.hidden = list.children.length > 0;
  };
  /** @param {TipEntry} entry */
  const arrived = ({ tip, atS, mark }) => {
    const { unseenTips, unseenUrgent } = store.state;
    const isHidden = element.hidden ? isClinician() : scroller.clientHeight === 0;
    if (isHidden && !mark) store.set({ unseenTips: unseenTips + 1, unseenUrgent: unseenUrgent || tip.urgent });
    if (!session.isNews(atS)) return;
    announcer.say(tip);
    if (isHidden && (tip.urgent || !isClinician())) {
      const action = { key: /** @type {const} */ ('notice.show'), act: () => store.set({ tab: 'tips' }) };
      forgetToast = tip.urgent
        ? toasts.show({ key: 'notice.urgentTip', params: { text: tip.text }, tone: 'urgent', action })
        : toasts.show({ key: 'notice.explanation', action });
    } else if (!list.contains(document.activeElement) && tip.urgent) scroller.scrollTop = 0;
  };
  session.record.on('tip', put);
  /** @param {HTMLElement | undefined} card of a question, or its answer, which may stand below what is urgent */
  const reveal = (card) => {
    if (card) scroller.scrollTop += card.getBoundingClientRect().top - scroller.getBoundingClientRect().top - 2;
  };
  session.record.on('question', ({ id, atS }) => {
    show();
    if (session.isNews(atS)) reveal(cards.get(id));
  });
  const shown = new ResizeObserver(() => {
    if (scroller.clientHeight === 0) return;
    store.set({ unseenTips: 0, unseenUrgent: false });
    forgetToast();
  });
  shown.observe(scroller);
  const stopWatching = store.watch(({ role, tips, budgetSpent }) => {
    const none = role === 'patient' && tips === 0;
    if (element.hidden !== none) element.hidden = none;
    setText(heading, role === 'patient' ? 'tips.titlePatient' : 'tips.title');
    setText(foot, role === 'patient' ? 'tips.aidPatient' : budgetSpent ? 'tips.budgetSpent' : 'tips.aid');
  });
  return {
    element,
    spoken: announcer.element,
    close() {
      stopWatching();
      ask.close();
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
 * Bring the cards into order, moving only those out of place so that focus stays where it is.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} wanted
 */
function arrange(list, wanted) {
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
