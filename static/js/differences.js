/** What differs between two transcripts of the same speech, word by word. Pure. */

/** Longer stretches are not compared word by word: the time for that grows with the square of their length. */
const MOST_WORDS = 600;
/** Two editions disagree by so much about when somebody begins and ends; of a short word, by its whole length. */
const NEAR_S = 0.3;
const NEXT_S = 1;

/**
 * @typedef {import('./record.js').Caption} Caption
 * @typedef {{ kind: 'same' | 'added' | 'removed', text: string }} Part
 * @typedef {{ id: string, role: import('./types.js').Role, startS: number, endS: number, language: string, parts: Part[] }} Compared
 * @typedef {{ startS: number, endS: number, live: Caption[], final: Caption[] }} Stretch
 */

/**
 * One line for each stretch in which one person speaks in either edition.
 * @param {Caption[]} live
 * @param {Caption[]} final
 * @returns {Compared[]}
 */
export function differences(live, final) {
  const lines = /** @type {const} */ (['clinician', 'patient']).flatMap((role) => {
    const its = (/** @type {Caption[]} */ captions) => captions.filter((caption) => caption.role === role);
    return stretches(its(live), its(final)).map((stretch) => compared(role, stretch));
  });
  return lines.sort((a, b) => a.startS - b.startS);
}

/**
 * Utterances begin and end elsewhere in each edition: those that overlap are compared together.
 * @param {Caption[]} live
 * @param {Caption[]} final
 */
function stretches(live, final) {
  const all = [...live.map((caption) => ({ caption, edition: /** @type {const} */ ('live') })),
    ...final.map((caption) => ({ caption, edition: /** @type {const} */ ('final') }))];
  all.sort((a, b) => a.caption.startS - b.caption.startS);
  /** @type {Stretch[]} */
  const found = [];
  for (const { caption, edition } of all) {
    const last = found.at(-1);
    if (last && overlaps(last, caption)) last.endS = Math.max(last.endS, caption.endS);
    else found.push({ startS: caption.startS, endS: caption.endS, live: [], final: [] });
    found.at(-1)?.[edition].push(caption);
  }
  return found.reduce(paired, /** @type {Stretch[]} */ ([]));
}

/**
 * @param {Stretch} stretch
 * @param {Caption} caption one that begins later
 */
function overlaps(stretch, caption) {
  const shorter = Math.min(stretch.endS - stretch.startS, caption.endS - caption.startS);
  return Math.min(stretch.endS, caption.endS) - caption.startS > Math.min(NEAR_S, shorter / 2);
}

/**
 * What one edition alone has belongs to what the other one alone has right after it: the same, placed elsewhere.
 * @param {Stretch[]} found
 * @param {Stretch} next
 */
function paired(found, next) {
  const last = found.at(-1);
  const apart = last && (last.live.length ? !last.final.length && !next.live.length : !next.final.length);
  if (!last || !apart || next.startS - last.endS > NEXT_S) return [...found, next];
  const both = { startS: last.startS, endS: Math.max(last.endS, next.endS), live: [...last.live, ...next.live], final: [...last.final, ...next.final] };
  return [...found.slice(0, -1), both];
}

/**
 * @param {import('./types.js').Role} role
 * @param {Stretch} stretch
 * @returns {Compared}
 */
function compared(role, { startS, endS, live, final }) {
  const first = final[0] ?? live[0];
  return { id: first?.id ?? '', role, startS, endS, language: first?.language ?? '', parts: wordParts(words(live), words(final)) };
}

/** @param {Caption[]} captions */
function words(captions) {
  return captions.flatMap(({ text }) => text.split(/\s+/).filter(Boolean));
}

/** Case and punctuation make no difference. @param {string} word */
function sound(word) {
  return word.toLowerCase().replace(/[^\p{Letter}\p{Number}]/gu, '') || word;
}

/**
 * By the longest common subsequence of words; what is the same is written as in `after`.
 * @param {string[]} before
 * @param {string[]} after
 * @returns {Part[]}
 */
function wordParts(before, after) {
  if (Math.max(before.length, after.length) > MOST_WORDS) return joined([...before.map(removed), ...after.map(added)]);
  const a = before.map(sound);
  const b = after.map(sound);
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  const at = (/** @type {number} */ i, /** @type {number} */ j) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  /** @type {Part[]} */
  const parts = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      parts.push({ kind: 'same', text: after[j] ?? '' });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) parts.push(removed(before[i++] ?? ''));
    else parts.push(added(after[j++] ?? ''));
  }
  return joined(parts);
}

/** @param {string} text @returns {Part} */
const removed = (text) => ({ kind: 'removed', text });
/** @param {string} text @returns {Part} */
const added = (text) => ({ kind: 'added', text });

/** Words of one kind in a row make one part. @param {Part[]} parts */
function joined(parts) {
  /** @type {Part[]} */
  const found = [];
  for (const { kind, text } of parts) {
    const last = found.at(-1);
    if (last?.kind === kind) last.text += ` ${text}`;
    else found.push({ kind, text });
  }
  return found;
}
