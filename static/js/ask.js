/** Where the clinician asks something about this consultation. */

import { h, icon } from './dom.js';

/**
 * @param {import('./call.js').CallOptions} options
 * @returns {import('./call.js').Part}
 */
export function askForm({ session, store }) {
  const input = h('input', { id: 'ask-input', placeholder: 'ask.placeholder', attrs: { type: 'text', maxlength: '500', autocomplete: 'off' } });
  const form = h('form', { class: 'ask-form', hidden: true, id: 'ask' },
    h('label', { class: 'visually-hidden', t: 'ask.input', attrs: { for: 'ask-input' } }), input,
    h('button', { id: 'ask-send', class: 'icon-button primary', label: 'ask.send', attrs: { type: 'submit' } }, icon('send')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text && session.ask(text)) input.value = '';
  });
  const close = store.watch(({ role }) => {
    if (form.hidden !== (role !== 'clinician')) form.hidden = role !== 'clinician';
  });
  return { element: form, close };
}
