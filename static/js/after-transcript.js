/** The transcript of a consultation that is over: final, live or what differs; while its recording plays, it shows who speaks. */

import { differences } from './differences.js';
import { h, setText } from './dom.js';
import { explainMarks, markInto } from './entity-marks.js';
import { clock, number } from './format.js';
import { t } from './i18n.js';

/** An utterance counts as being said until so long after its end. */
const LINGER_S = 0.5;
const FLASH_MS = 2_400;
const REGION = { tabindex: '0', role: 'region', 'aria-labelledby': 'transcript-title' };
const SCROLL_KEYS = new Set(['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End']);

/** @typedef {import('./record.js').Caption} Caption */
/** @typedef {import('./differences.js').Compared} Compared */
/** @typedef {import('./types.js').Edition} Edition */
/** @typedef {Edition | 'differences'} View */

/** @typedef {Map<string, import('./entities.js').Entity>} Entities */

/** @type {View[]} */
const VIEWS = ['final', 'live', 'differences'];

/** @param {import('./session.js').Session} session */
export function transcriptSection(session) {
  const list = h('ol', { class: 'lines' });
  const none = h('p', { class: 'muted', t: 'after.noTranscript' });
  const note = h('p', { class: 'muted', id: 'second-pass', hidden: true, attrs: { role: 'status' } });
  const choice = h('fieldset', { class: 'views', id: 'views', hidden: true }, h('legend', { class: 'visually-hidden', t: 'after.view' }),
    ...VIEWS.map((value) => h('label', {}, h('input', { attrs: { type: 'radio', name: 'view', value } }), h('span', { t: `after.view.${value}` }))));
  const scroller = h('div', { class: 'transcript-scroller' }, list);
  const follow = h('button', { class: 'button small follow', id: 'follow', t: 'player.follow', hidden: true, attrs: { type: 'button' } });
  const element = h('section', { class: 'card', id: 'transcript' }, h('h2', { id: 'transcript-title', t: 'after.transcript' }), note, choice, none, scroller, follow);
  /** @type {(Caption | Compared)[]} */
  let said = [];
  /** @type {Caption[] | null} */
  let heardAgain = null;
  let partial = false;
  /** @type {View} */
  let view = 'live';
  /** @type {HTMLElement | null} */
  let current = null;
  /** @type {((atS: number) => void) | null} */
  let playFrom = null;
  let follows = true;
  /** @type {{ [edition in Edition]: Entities }} */
  const entities = { live: session.record.entities, final: new Map() };
  /** @type {(named: Entities, edition: Edition) => void} */
  let told = () => {};
  const shownEdition = () => (heardAgain && view !== 'live' ? 'final' : 'live');
  const stopExplaining = explainMarks(list, () => entities[shownEdition()]);
  const reveal = () => {
    if (!current || !follows) return;
    const top = current.offsetTop - scroller.clientHeight / 3;
    const gently = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    scroller.scrollTo({ top, behavior: gently ? 'smooth' : 'auto' });
  };
  const setFollows = (/** @type {boolean} */ now) => {
    follows = now;
    follow.hidden = now || !playFrom;
    reveal();
  };
  const leave = () => follows && playFrom && scroller.scrollHeight > scroller.clientHeight && setFollows(false);
  for (const kind of ['wheel', 'touchmove']) scroller.addEventListener(kind, leave, { passive: true });
  scroller.addEventListener('pointerdown', (event) => event.target === scroller && leave()); // its scroll bar
  scroller.addEventListener('keydown', (event) => SCROLL_KEYS.has(event.key) && leave());
  follow.addEventListener('click', () => {
    setFollows(true);
    (current?.querySelector('button') ?? scroller).focus({ preventScroll: true });
  });
  choice.addEventListener('change', (event) => {
    view = /** @type {View} */ (/** @type {HTMLInputElement} */ (event.target).value);
    section.draw();
  });
  list.addEventListener('click', (event) => {
    const line = /** @type {HTMLElement} */ (event.target).closest('.line');
    const caption = line && said[[...list.children].indexOf(line)];
    // Who marks words to copy them does not want to hear them.
    if (!caption || !playFrom || getSelection()?.type === 'Range') return;
    setFollows(true);
    playFrom(caption.startS);
  });
  const name = (/** @type {import('./types.js').Role} */ role) => session.peerNames[role] ?? t(`role.${role}`);
  const lines = () => {
    const live = session.record.transcript();
    if (!heardAgain || view === 'live') return live;
    return view === 'final' ? heardAgain : differences(live, heardAgain);
  };
  /** What is shown, and how to read it. */
  const explain = () => {
    const differing = said.filter(differs).length;
    if (view !== 'differences') setText(note, `after.shown.${view}${partial ? 'Partial' : ''}`);
    else if (differing) setText(note, 'after.shown.differences', { count: () => number(differing) });
    else setText(note, 'after.shown.same');
    note.hidden = false;
  };
  const section = {
    element,
    /** Which edition is shown. @returns {Edition | null} null while there is one alone */
    edition() {
      return heardAgain ? shownEdition() : null;
    },
    draw() {
      said = lines();
      if (heardAgain) explain();
      list.classList.toggle('compares', view === 'differences');
      const named = [...entities[shownEdition()].values()];
      list.replaceChildren(...said.map((caption) => spokenLine(caption, name(caption.role), playFrom !== null, named)));
      none.hidden = said.length > 0;
      current = null;
      told(entities[shownEdition()], shownEdition());
    },
    close: stopExplaining,
    /** Mark what an edition names. @param {Edition} edition @param {import('./entities.js').Entity[]} found */
    named(edition, found) {
      entities[edition] = new Map(found.map((entity) => [entity.id, entity]));
      this.draw();
    },
    /** Tell `listener` what the edition that is shown names. @param {typeof told} listener */
    onDraw(listener) {
      told = listener;
      this.draw();
    },
    /** When an utterance of the edition that is shown began. @param {string} id */
    startOf(id) {
      return (shownEdition() === 'final' ? heardAgain ?? [] : session.record.transcript()).find((caption) => caption.id === id)?.startS ?? 0;
    },
    /** Bring an utterance into sight. @param {string} id */
    goTo(id) {
      const startS = this.startOf(id);
      const line = /** @type {HTMLElement | undefined} */ (list.children[Math.max(0, said.findLastIndex((caption) => caption.startS <= startS))]);
      if (!line) return;
      if (playFrom) setFollows(false);
      line.scrollIntoView({ block: 'center' });
      line.tabIndex = -1;
      line.focus({ preventScroll: true });
      line.classList.add('flash');
      setTimeout(() => line.classList.remove('flash'), FLASH_MS);
    },
    /** @param {number} nowS what is heard now */
    show(nowS) {
      const index = said.findLastIndex(({ startS }) => startS <= nowS);
      const caption = said[index];
      const line = caption && nowS <= caption.endS + LINGER_S ? /** @type {HTMLElement} */ (list.children[index]) : null;
      if (line === current) return;
      current?.removeAttribute('aria-current');
      line?.setAttribute('aria-current', 'true');
      current = line;
      reveal();
    },
    /** Say how the second pass over the recording is doing. @param {import('./i18n.js').Key | null} key */
    note(key) {
      note.hidden = !key;
      if (key) setText(note, key);
    },
    /**
     * Show the final transcript, and let the reader choose; of one that is of a part of the call the live one is shown.
     * @param {Caption[]} captions
     * @param {boolean} ofAPart
     */
    finally(captions, ofAPart) {
      heardAgain = captions;
      partial = ofAPart;
      view = partial ? 'live' : 'final';
      for (const input of choice.querySelectorAll('input')) input.checked = input.value === view;
      choice.hidden = false;
      this.draw();
    },
    /** Keep to one height beside a player that is there, or may come. @param {boolean} keeps */
    hold(keeps) {
      element.classList.toggle('held', keeps);
      for (const [attribute, value] of Object.entries(REGION)) {
        if (keeps) scroller.setAttribute(attribute, value);
        else scroller.removeAttribute(attribute);
      }
    },
    /** Let each utterance be played. @param {(atS: number) => void} from */
    offer(from) {
      playFrom = from;
      this.draw();
    },
  };
  return section;
}

/**
 * @param {Caption | Compared} caption
 * @param {string} name
 * @param {boolean} playable
 * @param {import('./entities.js').Entity[]} named what the transcript names; where two are compared, nothing is marked
 */
function spokenLine(caption, name, playable, named) {
  const { id, role, startS, language } = caption;
  /** @type {Record<string, string>} */
  const attrs = language ? { lang: language } : {};
  const text = 'parts' in caption ? h('span', { class: 'line-text', attrs }, ...caption.parts.flatMap(marked)) : h('span', { class: 'line-text', attrs });
  if (!('parts' in caption)) markInto(text, caption.text, named.filter((entity) => entity.utterance_id === id));
  const when = playable
    ? h('button', { class: 'line-time', text: clock(startS), label: 'player.from', params: { time: clock(startS) }, attrs: { type: 'button' } })
    : h('time', { class: 'line-time', text: clock(startS) });
  return h('li', { class: `line${differs(caption) ? ' differs' : ''}`, data: { role, utterance: id } }, when,
    h('span', { class: 'line-name', text: name }), text);
}

/** @param {Caption | Compared} caption */
function differs(caption) {
  return 'parts' in caption && caption.parts.some(({ kind }) => kind !== 'same');
}

/**
 * Screen readers seldom tell insertions and deletions: hidden words do.
 * @param {import('./differences.js').Part} part
 * @returns {(HTMLElement | null)[]}
 */
function marked({ kind, text }) {
  if (kind === 'same') return [h('span', { text: `${text} ` })];
  const hidden = h('span', { class: 'visually-hidden', t: `after.${kind}` });
  return [h(kind === 'added' ? 'ins' : 'del', {}, hidden, h('span', { text })), h('span', { text: ' ' })];
}
