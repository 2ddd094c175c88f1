/** The final transcript: read from the recording after the call, some time later. Until it is there, the live one is shown. */

const LOOK_EVERY_MS = 10_000;
/** While the recording is not finished, or there is none, it is asked for ever less often. */
const LONGEST_WAIT_MS = 60_000;

/**
 * @param {import('./types.js').Utterance} utterance
 * @returns {import('./record.js').Caption}
 */
export function captionOf({ id, role, start_s: startS, end_s: endS, text, language }) {
  return { id, role, startS, endS, text, language, settledChars: text.length, final: true, gap: false };
}

/**
 * Show the final transcript as soon as there is one.
 * @param {import('./api.js').Api} api
 * @param {Pick<ReturnType<typeof import('./after-transcript.js').transcriptSection>, 'note' | 'finally'>} transcript
 */
export function secondPass(api, transcript) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let closed = false;
  let waitMs = LOOK_EVERY_MS / 2;
  const look = async () => {
    const state = await api.transcript('live').then(({ second_pass: known }) => known, () => null);
    const heard = state === 'done' || state === 'partial' ? await api.transcript('final').catch(() => null) : null;
    if (closed) return;
    if (heard) {
      transcript.finally(heard.utterances.map(captionOf), state === 'partial');
      return;
    }
    if (state === 'waiting' || state === 'failed') transcript.note(`after.secondPass.${state}`);
    if (state === 'failed') return;
    waitMs = state === 'waiting' ? LOOK_EVERY_MS : Math.min(waitMs * 1.5, LONGEST_WAIT_MS);
    timer = setTimeout(() => void look(), waitMs);
  };
  void look();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
