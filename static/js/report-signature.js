/** Signs a version of the report, and tells whether what was signed is still what it was. */

import { confirm } from './dialogs.js';
import { h, icon } from './dom.js';
import { locale } from './i18n.js';

/**
 * @typedef {object} SignatureOptions
 * @property {import('./types.js').Report} report
 * @property {boolean} current whether it is the newest version
 * @property {import('./report-api.js').ReportApi} api
 * @property {string} name of who is here
 * @property {(error: unknown) => void} refuse
 * @property {(name: string) => Promise<boolean>} sign
 */

/**
 * @param {SignatureOptions} options
 * @returns {HTMLElement}
 */
export function signaturePart(options) {
  const { signature } = options.report;
  if (signature) return signed(options, signature);
  return options.current ? toSign(options) : h('div');
}

/** @param {SignatureOptions} options */
function toSign({ report, name, sign }) {
  const field = h('input', { id: 'signer', attrs: { type: 'text', maxlength: '200', autocomplete: 'name' } });
  field.value = name;
  const doubted = report.sections.flatMap(({ statements }) => statements).filter(({ support }) => support === 'unsupported').length;
  const button = h('button', { class: 'button primary small', id: 'sign', t: 'report.sign', attrs: { type: 'submit' } });
  const form = h('form', { class: 'report-sign' }, h('div', { class: 'field' }, h('label', { t: 'report.signer', attrs: { for: 'signer' } }), field), button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const who = field.value.trim();
    if (!who) return field.focus();
    confirm(form, { id: 'confirm-sign', title: 'report.signTitle', text: 'report.signText', params: { name: who }, confirm: 'report.sign' }, () => void sign(who));
  });
  return h('div', {}, doubted ? h('p', { class: 'muted', t: 'report.doubted', params: { count: doubted } }) : null, form);
}

/**
 * @param {SignatureOptions} options
 * @param {NonNullable<import('./types.js').Report['signature']>} signature
 */
function signed({ report, api, refuse }, signature) {
  const when = () => new Intl.DateTimeFormat(locale(), { dateStyle: 'long', timeStyle: 'medium' }).format(new Date(signature.signed_at));
  const parts = h('ul', { class: 'parts', attrs: { role: 'status' } });
  const button = h('button', { class: 'button small', id: 'verify', t: 'report.verify', attrs: { type: 'button' } });
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const { parts: checked } = await api.verify(report.version);
      parts.replaceChildren(...checked.map(({ part, name, state }) => h('li', { class: 'part', data: { state } }, icon(state === 'intact' ? 'done' : 'warning'),
        h('span', { t: `report.part.${part}`, params: { name } }), h('span', { class: 'tag', t: `report.state.${state}` }))));
    } catch (error) {
      refuse(error);
    }
    button.disabled = false;
  });
  return h('div', { class: 'report-signed' },
    h('p', { class: 'signed-by' }, icon('lock'), h('span', { t: 'report.signedBy', params: { name: signature.name, when } })),
    h('p', { class: 'muted digest' }, h('span', { t: 'report.digest' }), h('code', { text: ` ${signature.digest}` })), button, parts);
}
