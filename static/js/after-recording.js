/** The recording: while it is finished, how far that is; then its player, and its files to keep. */

import { h, setText } from './dom.js';
import { percent } from './format.js';
import { player } from './player.js';
import { recordingDownloads } from './after-files.js';

/** @typedef {import('./types.js').RecordingList} RecordingList */

const LOOK_EVERY_MS = 1_000;
const LOOK_AGAIN_MS = 5_000;
/** The end may be known here a moment before the server has begun to finish. */
const LOOKS_AT_NOTHING = 3;

/**
 * @param {import('./after.js').AfterOptions} options
 * @param {Pick<ReturnType<import('./after-transcript.js').transcriptSection>, 'hold' | 'show' | 'offer'>} transcript
 * @param {Promise<void>} known when the names of those who took part are
 */
export function recordingSection(options, transcript, known) {
  const { api, session } = options;
  const status = h('p', { class: 'muted', t: 'after.recordingsWaiting', attrs: { role: 'status' } });
  const bar = h('progress', { id: 'finalizing', label: 'after.recordingsLeft', attrs: { max: '1', value: '0' } });
  bar.removeAttribute('title');
  const share = h('span', { class: 'finalizing-share', attrs: { 'aria-hidden': 'true' } });
  const progress = h('div', { class: 'finalizing' }, bar, share);
  const box = h('div', { class: 'recording-box held' }, status, progress);
  const element = h('section', { class: 'card', id: 'recording' }, h('h2', { t: 'after.recordings' }), box);
  const files = h('div', { hidden: true });
  /** @type {import('./player.js').Player | null} */
  let made = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let closed = false;
  let looks = session.everRecorded ? LOOKS_AT_NOTHING : 1;
  const again = (/** @type {number} */ afterMs) => (timer = setTimeout(() => void look(), afterMs));
  const look = async () => {
    const listed = await api.recordings().catch(() => null);
    if (closed) return;
    if (!listed) again(LOOK_AGAIN_MS);
    else if (listed.state === 'ready') await ready(listed);
    else if (listed.state === 'none' && (looks -= 1) <= 0) nothing();
    else {
      waiting(listed);
      again(listed.state === 'failed' ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
    }
  };
  const waiting = (/** @type {RecordingList} */ { state, progress: done }) => {
    setText(status, state === 'failed' ? 'after.recordingsFailed' : 'after.recordingsWaiting');
    progress.hidden = state === 'failed';
    bar.value = done;
    share.textContent = percent(Math.floor(done * 100));
  };
  const nothing = () => {
    setText(status, 'after.noRecordings');
    progress.remove();
    box.classList.remove('held');
    transcript.hold(false);
  };
  const ready = async (/** @type {RecordingList} */ listed) => {
    // Recordings from before there was a mixed file have no peaks either.
    const peaks = listed.files.some(({ role }) => role === null) ? await api.peaks().catch(() => null) : null;
    await known;
    if (closed) return;
    made = player(options, listed.files, peaks, (nowS) => transcript.show(nowS));
    transcript.offer((atS) => made?.playFrom(atS));
    box.replaceChildren(made.element);
    files.append(recordingDownloads(options, listed.files));
    files.hidden = false;
  };
  transcript.hold(true);
  void look();
  return {
    element,
    files,
    close() {
      closed = true;
      clearTimeout(timer);
      made?.close();
    },
  };
}
