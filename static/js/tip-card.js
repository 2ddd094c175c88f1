/** One tip as a card: its kind, its words, what it rests on, and what can be done with it. */

import { h, icon, setText } from './dom.js';

/**
 * @typedef {import('./record.js').TipEntry} TipEntry
 * @typedef {import('./types.js').TipMark} TipMark
 * @typedef {(utteranceId: string, quote: string) => void} Jump
 * @typedef {{ jump: Jump, mark: (mark: TipMark) => void, release: () => void }} Acts
 */

/** @type {[TipMark, string, import('./i18n.js').Key][]} */
const MARKS = [['useful', 'useful', 'tips.useful'], ['done', 'done', 'tips.done'], ['dismissed', 'close', 'tips.dismiss']];
/** @type {{ [kind in import('./types.js').TipKind]: string }} */
const ICONS = { tip: 'tip', red_flag: 'urgent', question: 'ask', action: 'action', answer: 'answer', explanation: 'explanation' };

/** @param {import('./types.js').Tip} tip */
export function tipIcon(tip) {
  return tip.urgent ? 'urgent' : ICONS[tip.kind];
}

/**
 * @param {TipEntry} entry
 * @param {Acts | null} acts null where it is only read, as by the patient
 * @param {Jump} jump
 */
export function tipCard({ tip }, acts, jump) {
  const kind = h('span', { class: 'tip-kind' }, icon(tipIcon(tip)),
    h('span', { t: tip.urgent ? 'tips.urgent' : acts ? `tips.kind.${tip.kind}` : 'tips.fromClinician' }));
  const evidence = tip.evidence.filter(({ quote }) => quote).map((cited) => h('button', {
    class: 'evidence', attrs: { type: 'button', title: cited.quote }, on: { click: () => jump(cited.utterance_id, cited.quote) },
  }, icon('quote'), h('q', { text: cited.quote }), h('span', { class: 'visually-hidden', t: 'tips.evidence' })));
  return h('li', { class: `tip${tip.urgent ? ' urgent' : ''}`, data: { tip: tip.id, kind: tip.kind, urgent: String(tip.urgent) } },
    h('div', { class: 'tip-head' }, kind),
    tip.question ? h('p', { class: 'tip-question', text: tip.question }) : null,
    h('p', { class: 'tip-text', text: tip.text }),
    evidence.length ? h('div', { class: 'tip-evidence' }, ...evidence) : null,
    acts && tip.kind === 'explanation' ? releaseRow(acts.release) : null,
    acts ? h('div', { class: 'tip-marks' }, ...MARKS.map((one) => markButton(one, acts))) : h('div', { class: 'tip-end' }));
}

/**
 * @param {[TipMark, string, import('./i18n.js').Key]} one
 * @param {Acts} acts
 */
function markButton([mark, symbol, key], acts) {
  return h('button', { class: 'mark', data: { mark }, attrs: { type: 'button' }, on: { click: () => acts.mark(mark) } },
    icon(symbol), h('span', { t: key }));
}

/** @param {() => void} release */
function releaseRow(release) {
  const button = h('button', { class: 'button small release', attrs: { type: 'button' }, on: { click: release } },
    icon('send'), h('span', { t: 'tips.release' }));
  return h('div', { class: 'tip-release' }, button, h('p', { class: 'tip-released', hidden: true }, icon('done'), h('span', { t: 'tips.released' })),
    h('p', { class: 'tip-private', t: 'tips.unreleased' }));
}

/**
 * @param {HTMLElement} card
 * @param {TipEntry} entry
 */
export function showState(card, { mark, released }) {
  card.dataset.mark = mark ?? '';
  card.dataset.released = String(released);
  for (const button of card.querySelectorAll('button.mark')) {
    if (button instanceof HTMLElement && button.dataset.mark !== 'dismissed') {
      button.setAttribute('aria-pressed', String(button.dataset.mark === mark));
    }
  }
  for (const [part, hidden] of /** @type {[string, boolean][]} */ ([['.release', released], ['.tip-private', released], ['.tip-released', !released]])) {
    const one = card.querySelector(part);
    if (one instanceof HTMLElement) one.hidden = hidden;
  }
}

/** @param {import('./record.js').QuestionEntry} question asked, and not answered yet */
export function pendingCard({ id, text }) {
  const waits = h('p', { class: 'tip-text muted' });
  setText(waits, 'ask.pending');
  return h('li', { class: 'tip pending', data: { question: id } },
    h('div', { class: 'tip-head' }, h('span', { class: 'tip-kind' }, icon('answer'), h('span', { t: 'tips.kind.answer' }))),
    h('p', { class: 'tip-question', text }), waits, h('div', { class: 'tip-end' }));
}
