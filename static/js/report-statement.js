/** One sentence of the report: the words it rests on, its doubts, and what the clinician does with it. */

import { h, icon, iconButton, setLabel } from './dom.js';
import { clock } from './format.js';
import { t } from './i18n.js';

/**
 * @typedef {import('./types.js').Statement} Statement
 * @typedef {import('./types.js').Evidence} Evidence
 * @typedef {object} StatementOptions
 * @property {string} language of the report
 * @property {boolean} editable
 * @property {(proof: Evidence) => string} speaker
 * @property {() => ((atS: number) => void) | null} player what plays the recording, once it is there
 * @property {(change: import('./types.js').ReportChange) => Promise<boolean>} change true once it is kept
 */

/**
 * @param {Statement} statement
 * @param {StatementOptions} options
 */
export function statementRow(statement, options) {
  const proofId = `proof-${statement.id}`;
  const text = h('button', { class: 'statement-text', text: statement.text, attrs: { type: 'button', 'aria-expanded': 'false', 'aria-controls': proofId, lang: options.language } });
  const proof = h('div', { class: 'proof', id: proofId, hidden: true }, ...proofOf(statement, options));
  const row = h('li', { class: 'statement', data: { support: statement.support } },
    h('div', { class: 'statement-line' }, text, tag(statement), options.editable ? actions(statement, options, () => edit()) : null),
    doubtsOf(statement), proof);
  text.addEventListener('click', () => {
    // Who marks words to copy them does not want to hear them.
    if (getSelection()?.type === 'Range') return;
    proof.hidden = !proof.hidden;
    text.setAttribute('aria-expanded', String(!proof.hidden));
    const [first] = statement.evidence;
    if (!proof.hidden && first) options.player()?.(first.start_s);
  });
  const edit = () => {
    const editor = textEditor(statement.text, options.language, async (changed) => {
      if (changed === statement.text || await options.change({ kind: 'edit', statement_id: statement.id, text: changed })) editor.replaceWith(row);
    }, () => {
      editor.replaceWith(row);
      text.focus();
    });
    row.replaceWith(editor);
    editor.querySelector('textarea')?.focus();
  };
  return row;
}

/**
 * A text to change in place.
 * @param {string} text
 * @param {string} language
 * @param {(text: string) => void} save
 * @param {() => void} cancel
 */
export function textEditor(text, language, save, cancel) {
  const field = h('textarea', { label: 'report.sentence', attrs: { rows: '3', maxlength: '4000', lang: language } });
  field.removeAttribute('title');
  field.value = text;
  const keep = h('button', { class: 'button primary small', t: 'report.save', attrs: { type: 'submit' } });
  const leave = h('button', { class: 'button quiet small', t: 'cancel', attrs: { type: 'button' }, on: { click: cancel } });
  const form = h('form', { class: 'statement-editor' }, field, h('div', { class: 'row-buttons' }, keep, leave));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (field.value.trim()) save(field.value.trim());
    else field.focus();
  });
  field.addEventListener('keydown', (event) => event.key === 'Escape' && cancel());
  return h('li', { class: 'statement' }, form);
}

/** @param {Statement} statement */
function tag({ support, origin }) {
  if (support === 'unsupported') return h('span', { class: 'tag warn', t: 'report.unsupported' });
  if (origin === 'clinician') return h('span', { class: 'tag', t: 'report.yours' });
  return support === 'confirmed' ? h('span', { class: 'tag', t: 'report.confirmed' }) : null;
}

/**
 * @param {Statement} statement
 * @param {StatementOptions} options
 * @param {() => void} edit
 */
function actions(statement, { change }, edit) {
  const of = { statement_id: statement.id };
  const button = (/** @type {string} */ symbol, /** @type {import('./i18n.js').Key} */ label, /** @type {() => void} */ act) => iconButton(symbol, label, { class: 'small', on: { click: act } });
  const doubted = statement.support === 'unsupported';
  return h('div', { class: 'statement-actions' },
    doubted ? h('button', { class: 'button small', t: 'report.confirm', attrs: { type: 'button' }, on: { click: () => void change({ kind: 'confirm', ...of, confirmed: true }) } }) : null,
    statement.support === 'confirmed' && statement.origin !== 'clinician' ? button('close', 'report.withdraw', () => void change({ kind: 'confirm', ...of, confirmed: false })) : null,
    button('edit', 'report.edit', edit),
    button('remove', 'report.remove', () => void change({ kind: 'remove', ...of })));
}

/** @param {Statement} statement */
function doubtsOf({ doubts, support }) {
  if (!doubts.length || support === 'supported') return null;
  return h('ul', { class: 'doubts' }, ...doubts.map((doubt) => h('li', {}, icon('warning'), h('span', { text: doubt }))));
}

/**
 * @param {Statement} statement
 * @param {StatementOptions} options
 */
function proofOf(statement, { speaker, player, language }) {
  const quotes = statement.evidence.map((proof) => {
    const words = h('span', { class: 'proof-words', attrs: { lang: language } },
      h('span', { class: 'line-name', text: `${speaker(proof)}: ` }), h('span', { text: `“${proof.quote}”` }));
    const button = h('button', { class: 'proof-quote', attrs: { type: 'button' } }, icon('play'), h('span', { class: 'line-time', text: clock(proof.start_s) }), words);
    setLabel(button, 'player.from', { time: clock(proof.start_s) });
    button.removeAttribute('aria-label');
    button.addEventListener('click', () => player()?.(proof.start_s));
    return h('li', {}, button);
  });
  const before = statement.edited_from ? h('p', { class: 'muted' }, h('span', { t: 'report.before' }), h('span', { text: ` ${statement.edited_from}`, attrs: { lang: language } })) : null;
  const none = quotes.length ? null : h('p', { class: 'muted', t: 'report.noEvidence' });
  return [quotes.length ? h('ul', { class: 'proof-quotes' }, ...quotes) : none, before];
}

/**
 * Who says it: by its utterance, or by the time where another transcript is quoted.
 * @param {import('./session.js').Session} session
 * @param {Evidence} proof
 */
export function speakerOf(session, proof) {
  const said = session.record.transcript();
  const caption = said.find(({ id }) => id === proof.utterance_id) ?? said.find(({ startS, endS }) => startS <= proof.start_s && proof.start_s <= endS);
  if (!caption) return '…';
  return session.peerNames[caption.role] ?? t(`role.${caption.role}`);
}
