/** The files that remain: recordings to hear and keep, and the transcript in three formats. */

import { save } from './api.js';
import { h, icon } from './dom.js';
import { clock, size } from './format.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').RecordingFile} RecordingFile */

const LOOK_EVERY_MS = 2_000;
const LOOKS = 45;

/**
 * The recordings, as soon as the server has finished them.
 * @param {import('./after.js').AfterOptions} options
 */
export function recordingsSection({ api, toasts, session }) {
  const status = h('p', { class: 'muted', t: 'after.recordingsWaiting', attrs: { role: 'status' } });
  const list = h('ul', { class: 'recordings', id: 'recordings' });
  const element = h('section', { class: 'card' }, h('h2', { t: 'after.recordings' }), status, list);
  let looks = session.everRecorded ? LOOKS : 1;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {string[]} */
  const urls = [];
  const look = async () => {
    looks -= 1;
    const files = await api.recordings().catch(() => []);
    if (files.length) {
      status.remove();
      list.replaceChildren(...files.map((file) => row(file)));
    } else if (looks > 0) timer = setTimeout(() => void look(), LOOK_EVERY_MS);
    else status.replaceWith(h('p', { class: 'muted', t: 'after.noRecordings' }));
  };
  /** @param {RecordingFile} file */
  const row = (file) => {
    const player = h('audio', { hidden: true, attrs: { controls: '' } });
    const buttons = h('div', { class: 'row-buttons' });
    if (file.format === 'ogg') buttons.append(action('after.play', 'play', {}, async (button) => {
      const url = URL.createObjectURL(await api.recordingFile(file.name));
      urls.push(url);
      player.src = url;
      player.hidden = false;
      button.remove();
      await player.play();
    }));
    buttons.append(action('after.download', 'download', { name: file.name }, async () => save(await api.recordingFile(file.name), file.name)));
    return h('li', { class: 'recording', data: { recording: file.name } },
      h('div', { class: 'recording-head' }, h('span', { class: 'recording-name', ...whose(file.role) }),
        h('span', { class: 'tag', text: file.format.toUpperCase() })),
      h('span', { class: 'muted', t: 'after.length', params: { length: clock(file.duration_s), size: () => size(file.size_bytes) } }), player, buttons);
  };
  /**
   * @param {import('./i18n.js').Key} key
   * @param {string} symbol
   * @param {import('./i18n.js').Params} params
   * @param {(button: HTMLElement) => Promise<void>} act
   */
  const action = (key, symbol, params, act) => fileButton(key, symbol, params, act, toasts);
  void look();
  return {
    element,
    close() {
      clearTimeout(timer);
      urls.forEach((url) => URL.revokeObjectURL(url));
    },
  };
}

/**
 * @param {RecordingFile['role']} role
 * @returns {{ t: import('./i18n.js').Key, params?: import('./i18n.js').Params }}
 */
function whose(role) {
  return role ? { t: 'after.recordingOf', params: { role: () => t(`role.${role}`).toLocaleLowerCase() } } : { t: 'after.recordingOfBoth' };
}

/** @param {import('./after.js').AfterOptions} options */
export function transcriptDownloads({ api, toasts, session }) {
  const formats = /** @type {const} */ (['text', 'vtt', 'srt']);
  const buttons = formats.map((format) => {
    const suffix = format === 'text' ? 'txt' : format;
    const name = `transcript-${session.store.state.consultationId}.${suffix}`;
    return fileButton('after.download', 'download', { name: suffix.toUpperCase() },
      async () => save(await api.transcriptFile(format), name), toasts);
  });
  return h('section', { class: 'card' }, h('h2', { t: 'after.downloads' }), h('div', { class: 'row-buttons' }, ...buttons));
}

/**
 * @param {import('./i18n.js').Key} key
 * @param {string} symbol
 * @param {import('./i18n.js').Params} params
 * @param {(button: HTMLElement) => Promise<void>} act
 * @param {import('./toasts.js').Toasts} toasts
 */
function fileButton(key, symbol, params, act, toasts) {
  const button = h('button', { class: 'button quiet small', attrs: { type: 'button' } }, icon(symbol), h('span', { t: key, params }));
  button.addEventListener('click', async () => {
    button.disabled = true;
    await act(button).catch(() => toasts.show({ key: 'notice.download', tone: 'warn' }));
    button.disabled = false;
  });
  return button;
}
