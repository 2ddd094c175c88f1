/** What both say, line by line, as it becomes certain. */

import { h, icon, setText } from './dom.js';
import { entitiesButton } from './entities-panel.js';
import { explainMarks, markInto } from './entity-marks.js';
import { clock } from './format.js';
import { t } from './i18n.js';

/** @typedef {import('./record.js').Caption} Caption */

const NEAR_END_PX = 48;
const FLASH_MS = 2_400;
const STALE_INTERIM_MS = 20_000;

/**
 * @param {import('./call.js').CallOptions} options
 * @returns {import('./call.js').Part & { jump: (utteranceId: string, quote: string) => void }}
 */
export function captionsPanel({ session, store }) {
  const list = h('ol', { id: 'captions', class: 'captions' });
  const empty = h('p', { class: 'panel-empty', t: 'captions.empty' });
  const scroller = h('div', { class: 'scroller', label: 'captions.title', attrs: { tabindex: '0', role: 'region' } }, empty, list);
  scroller.removeAttribute('title');
  const newer = h('button', { class: 'newer', hidden: true, attrs: { type: 'button' } }, icon('down'), h('span', { t: 'captions.newer' }));
  const named = entitiesButton(store);
  const spoken = h('div', { class: 'visually-hidden', id: 'captions-spoken', attrs: { 'aria-live': 'polite' } });
  const element = h('section', { class: 'panel captions-panel' }, h('div', { class: 'panel-head' }, h('h2', { t: 'captions.title' }), named.element), scroller, newer, spoken);
  /** @type {Map<string, HTMLElement>} */
  const lines = new Map();
  let follows = true;
  const toEnd = () => {
    scroller.scrollTop = scroller.scrollHeight;
    newer.hidden = true;
    follows = true;
  };
  let topBefore = 0;
  scroller.addEventListener('scroll', () => {
    const nearEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
    // A panel that gets smaller, as when a tip comes, takes the end out of sight too: only going up is leaving it.
    if (nearEnd) newer.hidden = true;
    follows = nearEnd || (follows && scroller.scrollTop >= topBefore);
    topBefore = scroller.scrollTop;
  });
  newer.addEventListener('click', toEnd);
  const resized = new ResizeObserver(() => follows && toEnd());
  resized.observe(scroller);

  /** @param {Caption} caption */
  const name = (caption) => session.peerNames[caption.role] ?? t(`role.${caption.role}`);
  /** @param {Caption} caption */
  const put = (caption) => {
    const line = lines.get(caption.id) ?? newLine(caption);
    if (!lines.has(caption.id)) {
      lines.set(caption.id, line);
      insert(list, line, caption);
    }
    fill(line, caption, name(caption));
    if (caption.final && !caption.gap) mark(line, caption);
    empty.hidden = true;
    if (caption.final && !caption.gap && session.isNews(caption.endS)) speak(spoken, t('captions.said', { name: name(caption), text: caption.text }), caption.language);
    if (follows) toEnd();
    else newer.hidden = false;
  };
  const mark = (/** @type {HTMLElement} */ line, /** @type {Caption} */ { id, text }, quote = '') => {
    markInto(/** @type {HTMLElement} */ (line.querySelector('.caption-text')), text, session.record.entitiesOf(id), quote);
  };
  const stopExplaining = explainMarks(list, () => session.record.entities);
  session.record.on('entities', (ids) => {
    for (const id of ids) {
      const [line, caption] = [lines.get(id), session.record.captions.get(id)];
      if (line && caption?.final) mark(line, caption);
    }
    if (follows) toEnd();
  });
  const remove = (/** @type {Caption} */ caption) => {
    lines.get(caption.id)?.remove();
    lines.delete(caption.id);
  };
  session.record.on('caption', put);
  session.record.on('removed', remove);
  const sweep = setInterval(() => session.record.dropStale(STALE_INTERIM_MS), 5_000);
  const stopWatching = store.watch(({ seats, consentMode }) => {
    const refused = consentMode === 'ask' && Object.values(seats).some((seat) => seat?.consent === false);
    setText(empty, refused ? 'captions.noConsent' : 'captions.empty');
  });
  return {
    element,
    jump(utteranceId, quote) {
      const line = lines.get(utteranceId);
      if (!line) return;
      // Where both have room, the list that leads here stays.
      const stays = store.state.tab === 'entities' && !matchMedia('(max-width: 860px)').matches;
      store.set({ tab: stays ? 'entities' : 'captions', captionsOn: true });
      follows = false;
      const caption = session.record.captions.get(utteranceId);
      if (caption?.final && !caption.gap) mark(line, caption, quote);
      show(line);
    },
    close() {
      stopWatching();
      stopExplaining();
      named.close();
      clearInterval(sweep);
      resized.disconnect();
    },
  };
}

/** @param {Caption} caption */
function newLine(caption) {
  return h('li', { class: 'caption', data: { role: caption.role, utterance: caption.id, start: String(caption.startS) }, attrs: { tabindex: '-1' } },
    h('span', { class: 'caption-head' }, h('span', { class: 'caption-name' }), h('time', { class: 'caption-time', text: clock(caption.startS) })),
    h('span', { class: 'caption-text' }));
}

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} line
 * @param {Caption} caption
 */
function insert(list, line, caption) {
  let after = /** @type {HTMLElement | null} */ (list.lastElementChild);
  while (after && Number(after.dataset.start) > caption.startS) after = /** @type {HTMLElement | null} */ (after.previousElementSibling);
  if (after) after.after(line);
  else list.prepend(line);
}

/**
 * @param {HTMLElement} line
 * @param {Caption} caption
 * @param {string} name
 */
function fill(line, caption, name) {
  const text = /** @type {HTMLElement} */ (line.querySelector('.caption-text'));
  const shown = /** @type {HTMLElement} */ (line.querySelector('.caption-name'));
  shown.textContent = name;
  line.dataset.final = String(caption.final);
  line.classList.toggle('gap', caption.gap);
  if (caption.language) text.lang = caption.language === 'pt' ? 'pt-BR' : caption.language;
  if (caption.gap) setText(text, 'captions.gap', { name });
  else if (caption.final) text.textContent = caption.text;
  else {
    text.replaceChildren(h('span', { class: 'settled', text: caption.text.slice(0, caption.settledChars) }),
      h('span', { class: 'unsettled', text: caption.text.slice(caption.settledChars) }));
  }
}

/**
 * Let screen readers say a settled line; they hear no interim text.
 * @param {HTMLElement} region
 * @param {string} text
 * @param {string} language
 */
function speak(region, text, language) {
  region.append(h('p', { text, attrs: language ? { lang: language } : {} }));
  while (region.children.length > 3) region.firstElementChild?.remove();
}

/** @param {HTMLElement} line */
function show(line) {
  line.scrollIntoView({ block: 'center' });
  line.focus({ preventScroll: true });
  line.classList.add('flash');
  setTimeout(() => line.classList.remove('flash'), FLASH_MS);
}
