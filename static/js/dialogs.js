/** Modal dialogs on the native element: Esc closes, focus stays inside and returns. */

import { h, iconButton } from './dom.js';

/**
 * Show a dialog; it leaves the page when closed.
 * @param {HTMLElement} host
 * @param {import('./i18n.js').Key} title
 * @param {...(Node | null)} content
 * @returns {HTMLDialogElement}
 */
export function openDialog(host, title, ...content) {
  const id = `dialog-${title.replaceAll('.', '-')}`;
  const heading = h('h2', { t: title, id, attrs: { tabindex: '-1' } });
  const close = iconButton('close', 'close', { on: { click: () => dialog.close() } });
  const dialog = h('dialog', { class: 'dialog', attrs: { 'aria-labelledby': id } },
    h('div', { class: 'dialog-box' }, h('div', { class: 'dialog-head' }, heading, close), ...content,
      // Toasts outside would be behind the dialog and unheard.
      h('div', { class: 'dialog-news', attrs: { role: 'status' } })));
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  host.append(dialog);
  dialog.showModal();
  heading.focus();
  return dialog;
}

/**
 * Ask before something that cannot be undone.
 * @param {HTMLElement} host
 * @param {{ title: import('./i18n.js').Key, text: import('./i18n.js').Key, params?: import('./i18n.js').Params, confirm: import('./i18n.js').Key, id: string }} question
 * @param {() => void} act
 */
export function confirm(host, question, act) {
  const yes = h('button', { class: 'button danger', id: question.id, t: question.confirm, attrs: { type: 'button' } });
  const no = h('button', { class: 'button quiet', t: 'cancel', attrs: { type: 'button' } });
  const dialog = openDialog(host, question.title,
    h('p', { t: question.text, params: question.params ?? {} }), h('div', { class: 'dialog-actions' }, no, yes));
  no.addEventListener('click', () => dialog.close());
  yes.addEventListener('click', () => {
    dialog.close();
    act();
  });
}
