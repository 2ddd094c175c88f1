/** The files that remain: the recording, and the transcript in four formats. */

import { save } from './api.js';
import { h, icon, setText } from './dom.js';
import { size } from './format.js';
import { ROLES } from './sound.js';

/** @typedef {import('./types.js').RecordingFile} RecordingFile */

/**
 * Each voice as it was received and as WAV, and both in one.
 * @param {import('./after.js').AfterOptions} options
 * @param {RecordingFile[]} files
 */
export function recordingDownloads({ api, toasts, session }, files) {
  const rows = [...ROLES, null].flatMap((role) => {
    const its = files.filter((file) => file.role === role);
    if (!its.length) return [];
    const name = h('p', { class: 'recording-name' });
    const known = role && session.peerNames[role];
    if (known) name.textContent = known;
    else setText(name, role ? `role.${role}` : 'after.both');
    const buttons = its.map((file) => fileButton(downloadText(file), 'download', async () => save(await api.recordingFile(file.name), file.name), toasts));
    return [h('li', { class: 'recording', data: { recording: role ?? 'mixed' } }, name, h('div', { class: 'row-buttons' }, ...buttons))];
  });
  return h('section', { class: 'card' }, h('h2', { t: 'after.files' }), h('ul', { class: 'recordings', id: 'recordings' }, ...rows));
}

/**
 * Of the edition that is shown.
 * @param {import('./after.js').AfterOptions} options
 * @param {() => import('./types.js').Edition | null} shown
 */
export function transcriptDownloads({ api, toasts, session }, shown) {
  const formats = /** @type {const} */ (['text', 'docx', 'vtt', 'srt']);
  const buttons = formats.map((format) => {
    const suffix = format === 'text' ? 'txt' : format;
    const name = `transcript-${session.store.state.consultationId}.${suffix}`;
    const text = h('span', {}, h('span', { class: 'visually-hidden', t: 'after.download', params: { name } }), h('span', { text: suffix.toUpperCase(), attrs: { 'aria-hidden': 'true' } }));
    return fileButton(text, 'download', async () => {
      const edition = shown();
      save(await api.transcriptFile(format, edition), edition ? name.replace(`.${suffix}`, `-${edition}.${suffix}`) : name);
    }, toasts);
  });
  return h('section', { class: 'card' }, h('h2', { t: 'after.downloads' }), h('div', { class: 'formats' }, ...buttons));
}

/**
 * Short for the eye; a screen reader hears which file it is.
 * @param {RecordingFile} file
 */
function downloadText(file) {
  return h('span', {}, h('span', { class: 'visually-hidden', t: 'after.download', params: { name: file.name } }),
    h('span', { t: 'after.format', params: { format: file.format.toUpperCase(), size: () => size(file.size_bytes) } }));
}

/**
 * @param {HTMLElement} text
 * @param {string} symbol
 * @param {() => Promise<void>} act
 * @param {import('./toasts.js').Toasts} toasts
 */
export function fileButton(text, symbol, act, toasts) {
  const button = h('button', { class: 'button quiet small', attrs: { type: 'button' } }, icon(symbol), text);
  button.addEventListener('click', async () => {
    button.disabled = true;
    await act().catch(() => toasts.show({ key: 'notice.download', tone: 'warn' }));
    button.disabled = false;
  });
  return button;
}
