/** The files that remain: recordings to hear and keep, and the transcript in three formats. */

import { save } from './api.js';
import { h, icon, setText } from './dom.js';
import { clock, size } from './format.js';

/** @typedef {import('./types.js').RecordingFile} RecordingFile */

const LOOK_EVERY_MS = 2_000;
const LOOKS = 45;
const ROLES = /** @type {const} */ (['clinician', 'patient']);

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
      list.replaceChildren(...ROLES.flatMap((role) => row(role, files.filter((file) => file.role === role)) ?? []));
    } else if (looks > 0) timer = setTimeout(() => void look(), LOOK_EVERY_MS);
    else status.replaceWith(h('p', { class: 'muted', t: 'after.noRecordings' }));
  };
  /**
   * One voice: heard here, or kept as Ogg or WAV.
   * @param {import('./types.js').Role} role
   * @param {RecordingFile[]} files
   */
  const row = (role, files) => {
    const heard = files.find(({ format }) => format === 'ogg') ?? files[0];
    if (!heard) return null;
    const player = h('audio', { hidden: true, attrs: { controls: '' } });
    const play = action(h('span', { t: 'after.play', class: 'visually-hidden' }), 'play', async () => {
      const url = URL.createObjectURL(await api.recordingFile(heard.name));
      urls.push(url);
      player.src = url;
      player.hidden = false;
      play.remove();
      player.focus();
      await player.play();
    });
    const downloads = files.map((file) => action(downloadText(file), 'download', async () => save(await api.recordingFile(file.name), file.name)));
    const name = h('span', { class: 'recording-name' });
    if (session.peerNames[role]) name.textContent = session.peerNames[role] ?? '';
    else setText(name, `role.${role}`);
    return h('li', { class: 'recording', data: { recording: role } },
      h('div', { class: 'recording-head' }, play, name, h('span', { class: 'muted', text: clock(heard.duration_s) })),
      player, h('div', { class: 'row-buttons' }, ...downloads));
  };
  /**
   * @param {HTMLElement} text
   * @param {string} symbol
   * @param {() => Promise<void>} act
   */
  const action = (text, symbol, act) => fileButton(text, symbol, act, toasts);
  void look();
  return {
    element,
    close() {
      clearTimeout(timer);
      urls.forEach((url) => URL.revokeObjectURL(url));
    },
  };
}

/** @param {import('./after.js').AfterOptions} options */
export function transcriptDownloads({ api, toasts, session }) {
  const formats = /** @type {const} */ (['text', 'vtt', 'srt']);
  const buttons = formats.map((format) => {
    const suffix = format === 'text' ? 'txt' : format;
    const name = `transcript-${session.store.state.consultationId}.${suffix}`;
    const text = h('span', {}, h('span', { class: 'visually-hidden', t: 'after.download', params: { name } }), h('span', { text: suffix.toUpperCase(), attrs: { 'aria-hidden': 'true' } }));
    return fileButton(text, 'download', async () => save(await api.transcriptFile(format), name), toasts);
  });
  return h('section', { class: 'card' }, h('h2', { t: 'after.downloads' }), h('div', { class: 'row-buttons' }, ...buttons));
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
function fileButton(text, symbol, act, toasts) {
  const button = h('button', { class: 'button quiet small', attrs: { type: 'button' } }, icon(symbol), text);
  button.addEventListener('click', async () => {
    button.disabled = true;
    await act().catch(() => toasts.show({ key: 'notice.download', tone: 'warn' }));
    button.disabled = false;
  });
  return button;
}
