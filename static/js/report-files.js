/** Takes a version of the report away as a file. */

import { fileButton } from './after-files.js';
import { save } from './api.js';
import { h } from './dom.js';

/** @typedef {'pdf' | 'docx' | 'md' | 'fhir.json'} ReportForm */

const FORMS = /** @type {const} */ (['pdf', 'docx', 'md', 'fhir.json']);

/**
 * @param {{ report: import('./types.js').Report, api: import('./report-api.js').ReportApi, toasts: import('./toasts.js').Toasts }} options
 */
export function reportFiles({ report, api, toasts }) {
  const state = report.status === 'signed' ? '' : '-draft';
  const buttons = FORMS.map((form) => {
    const name = `report-${report.consultation_id}-v${report.version}${state}.${form}`;
    const text = h('span', {}, h('span', { class: 'visually-hidden', t: 'after.download', params: { name } }),
      h('span', { text: form.replace('.json', '').toUpperCase(), attrs: { 'aria-hidden': 'true' } }));
    return fileButton(text, 'download', async () => save(await api.file(form, report.version), name), toasts);
  });
  const note = h('p', { class: 'muted', t: report.status === 'signed' ? 'report.files' : 'report.filesDraft' });
  return h('div', { class: 'report-files' }, note, h('div', { class: 'row-buttons' }, ...buttons));
}
