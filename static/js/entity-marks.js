/** Marks the words of an utterance that name something, and tells on pointing and on focus what they name. */

import { h, setData } from './dom.js';
import { familyOf, placeOf } from './entities.js';
import { described } from './entity-words.js';

/** @typedef {import('./entities.js').Entity} Entity */
/** @typedef {{ start: number, end: number, entity?: Entity }} Span */

/**
 * Show `text` with what it names marked, and `quote` within it.
 * @param {HTMLElement} element
 * @param {string} text
 * @param {Entity[]} entities
 * @param {string} [quote]
 */
export function markInto(element, text, entities, quote = '') {
  const focused = element.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.entity : '';
  const at = quote ? text.indexOf(quote) : -1;
  const cited = at < 0 ? null : { start: at, end: at + quote.length };
  const spans = spansOf(text, entities);
  if (!cited) element.replaceChildren(...pieces(text, spans, 0, text.length));
  else {
    element.replaceChildren(...pieces(text, spans, 0, cited.start), h('mark', {}, ...pieces(text, spans, cited.start, cited.end)),
      ...pieces(text, spans, cited.end, text.length));
  }
  if (focused) marksIn(element).find((mark) => mark.dataset.entity === focused)?.focus({ preventScroll: true });
}

/**
 * @param {string} text
 * @param {Entity[]} entities
 */
function spansOf(text, entities) {
  const placed = entities.flatMap((entity) => {
    const place = placeOf(text, entity);
    return place ? [{ ...place, entity }] : [];
  });
  placed.sort((a, b) => a.start - b.start || b.end - a.end);
  return placed.filter((span, index) => placed.slice(0, index).every((earlier) => earlier.end <= span.start));
}

/**
 * The part of `text` from `from` to `to`, as nodes.
 * @param {string} text
 * @param {(Span & { entity: Entity })[]} spans
 * @param {number} from
 * @param {number} to
 */
function pieces(text, spans, from, to) {
  /** @type {Node[]} */
  const nodes = [];
  let done = from;
  for (const { start, end, entity } of spans) {
    if (end <= from || start >= to) continue;
    const [begin, stop] = [Math.max(start, from), Math.min(end, to)];
    if (begin > done) nodes.push(document.createTextNode(text.slice(done, begin)));
    nodes.push(newMark(entity, text.slice(begin, stop), stop === end));
    done = stop;
  }
  if (done < to) nodes.push(document.createTextNode(text.slice(done, to)));
  return nodes;
}

/**
 * @param {Entity} entity
 * @param {string} words
 * @param {boolean} whole it ends here; a citation may end within it
 */
function newMark(entity, words, whole) {
  const { id, category, assertion, approximate } = entity;
  const mark = h('span', {
    class: 'entity', text: words, attrs: { tabindex: '-1', role: 'mark' },
    data: { entity: id, family: familyOf(entity), category, assertion, approximate: String(approximate) },
  });
  if (whole && assertion !== 'affirmed') setData(mark, 'data-note', `entity.note.${assertion}`);
  return mark;
}

/** @param {HTMLElement} element */
function marksIn(element) {
  return /** @type {HTMLElement[]} */ ([...element.querySelectorAll('.entity')]);
}

/**
 * Tell what the marks below `host` name. The last one is reached by Tab, the others from it with the arrow keys.
 * @param {HTMLElement} host
 * @param {() => Map<string, Entity>} known
 * @returns {() => void} ends that
 */
export function explainMarks(host, known) {
  const tip = explanation(known);
  host.addEventListener('pointerover', ({ target }) => tip.show(markOf(target)));
  host.addEventListener('pointerout', ({ relatedTarget }) => tip.leave(relatedTarget));
  host.addEventListener('focusin', ({ target }) => {
    const mark = markOf(target);
    if (mark) makeReachable(host, mark);
    tip.show(mark);
  });
  host.addEventListener('focusout', tip.hide);
  document.addEventListener('scroll', tip.scrolled, { capture: true, passive: true });
  host.addEventListener('keydown', (event) => {
    const mark = markOf(event.target);
    if (mark && event.key === 'Escape') tip.hide();
    if (mark && walk(host, mark, event.key)) event.preventDefault();
  });
  const watching = new MutationObserver(() => {
    tip.check();
    const last = marksIn(host).at(-1);
    if (last && !host.querySelector('.entity[tabindex="0"]')) makeReachable(host, last);
  });
  watching.observe(host, { childList: true, subtree: true });
  return () => {
    watching.disconnect();
    document.removeEventListener('scroll', tip.scrolled, { capture: true });
    tip.remove();
  };
}

/**
 * A box that says of one mark at a time what it names.
 * @param {() => Map<string, Entity>} known
 */
function explanation(known) {
  const box = h('div', { class: 'entity-tip', id: `entity-tip-${(count += 1)}`, hidden: true, attrs: { role: 'tooltip' } });
  document.body.append(box);
  /** @type {HTMLElement | null} */
  let shown = null;
  const tip = {
    hide() {
      shown?.removeAttribute('aria-describedby');
      shown = null;
      box.hidden = true;
    },
    /** @param {HTMLElement | null} mark */
    show(mark) {
      const entities = known();
      const entity = entities.get(mark?.dataset.entity ?? '');
      if (!mark || !entity) return;
      tip.hide();
      const [category = '', name = '', ...rest] = described(entity, entities.values());
      box.replaceChildren(h('span', { class: 'entity-tip-category', text: category }), h('strong', { text: name }), ...rest.map((words) => h('span', { text: `· ${words}` })));
      box.hidden = false;
      shown = mark;
      mark.setAttribute('aria-describedby', box.id);
      place(box, mark);
    },
    /** One may go on to the box to read it. @param {EventTarget | null} to */
    leave(to) {
      if (shown !== document.activeElement && !(to instanceof Node && box.contains(to))) tip.hide();
    },
    /** Focus may scroll a mark into sight. */
    scrolled() {
      if (shown && shown === document.activeElement) place(box, shown);
      else tip.hide();
    },
    check() {
      if (shown && !shown.isConnected) tip.hide();
    },
    remove() {
      box.remove();
    },
  };
  box.addEventListener('pointerleave', tip.hide);
  return tip;
}

/**
 * From one mark to the next or the one before.
 * @param {HTMLElement} host
 * @param {HTMLElement} mark
 * @param {string} key
 * @returns {boolean} whether there is one
 */
function walk(host, mark, key) {
  const step = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
  const marks = marksIn(host);
  const next = step ? marks[marks.indexOf(mark) + step] : undefined;
  next?.focus();
  return next !== undefined;
}

let count = 0;

/** @param {EventTarget | null} target */
function markOf(target) {
  return target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest('.entity')) : null;
}

/**
 * @param {HTMLElement} host
 * @param {HTMLElement} mark
 */
function makeReachable(host, mark) {
  for (const other of host.querySelectorAll('.entity[tabindex="0"]')) other.setAttribute('tabindex', '-1');
  mark.setAttribute('tabindex', '0');
}

/**
 * Below the words, or above where there is no room; never beyond the page.
 * @param {HTMLElement} tip
 * @param {HTMLElement} mark
 */
function place(tip, mark) {
  const at = mark.getClientRects()[0] ?? mark.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const below = at.bottom + 4;
  const top = below + height > innerHeight - 8 ? at.top - height - 4 : below;
  Object.assign(tip.style, { left: `${left}px`, top: `${Math.max(8, top)}px` });
}
