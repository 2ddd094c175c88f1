/** What was named, by family: each thing once, as it stands, with the words it leads to. */

import { h } from './dom.js';
import { conceptsOf, FAMILIES, nameOf } from './entities.js';
import { standing } from './entity-words.js';
import { clock, number } from './format.js';
import { t } from './i18n.js';

/**
 * @typedef {import('./entities.js').Entity} Entity
 * @typedef {import('./entities.js').Concept} Concept
 * @typedef {(entity: Entity) => void} GoTo
 * @typedef {{ element: HTMLElement, draw: (entities: Map<string, Entity>) => number }} EntityList `draw` returns how many
 */

/**
 * @param {(utteranceId: string) => number} startOf when an utterance began
 * @param {GoTo} goTo
 * @returns {EntityList}
 */
export function entityList(startOf, goTo) {
  const element = h('div', { class: 'entity-list' });
  /** @type {Map<string, number>} which mention each row leads to next */
  const next = new Map();
  const when = (/** @type {Entity} */ entity) => startOf(entity.utterance_id);
  const row = (/** @type {Concept} */ concept) => {
    const go = () => {
      const left = next.get(concept.key) ?? 0;
      const mention = concept.mentions[left % concept.mentions.length];
      next.set(concept.key, left + 1);
      if (mention) goTo(mention);
    };
    return newRow(concept, when, go);
  };
  let asideOpen = false;
  /** What tells little by itself is folded away. */
  const aside = (/** @type {HTMLElement} */ heading, /** @type {number} */ count, /** @type {HTMLElement} */ rows) => {
    const folded = h('details', { class: 'entity-aside' }, h('summary', {}, heading, h('span', { class: 'muted', text: String(count) })), rows);
    folded.open = asideOpen;
    folded.addEventListener('toggle', () => {
      asideOpen = folded.open;
    });
    return folded;
  };
  return {
    element,
    draw(entities) {
      const focused = element.contains(document.activeElement) ? document.activeElement?.closest('li')?.getAttribute('data-concept') : null;
      let listed = 0;
      const groups = FAMILIES.flatMap((family) => {
        const concepts = conceptsOf(entities.values(), family, when);
        listed += concepts.length;
        if (!concepts.length) return [];
        const heading = h('h3', { class: 'entity-family', data: { family } }, h('span', { class: 'swatch', data: { family } }), h('span', { t: `entity.family.${family}` }));
        const rows = h('ul', {}, ...concepts.map(row));
        return [family === 'context' ? aside(heading, concepts.length, rows) : h('section', {}, heading, rows)];
      });
      element.replaceChildren(...groups);
      if (focused) /** @type {HTMLElement | null} */ (element.querySelector(`li[data-concept="${CSS.escape(focused)}"] button`))?.focus();
      return listed;
    },
  };
}

/**
 * @param {Concept} concept
 * @param {(entity: Entity) => number} when
 * @param {() => void} go
 */
function newRow({ key, first, mentions, details }, when, go) {
  const name = nameOf(first);
  const { key: stands, params } = standing(first, details);
  const otherwise = mentions.find(({ text }) => text.toLowerCase() !== name.toLowerCase());
  const told = details.filter(({ category }) => category !== 'FamilyRelation' || first.assertion !== 'family').map((one) => nameOf(one));
  const how = () => t(stands, params);
  const times = mentions.length > 1 ? h('span', { t: 'entities.mentions', params: { count: () => number(mentions.length) } }) : null;
  const button = h('button', { class: 'entity-row', label: 'entities.goTo', params: { name: [name, ...told].join(', '), standing: how, time: clock(when(first)) }, attrs: { type: 'button' }, on: { click: go } },
    h('span', { class: 'entity-name' }, h('span', { text: `${name} ` }), first.approximate ? h('span', { class: 'entity-approximate', text: '≈ ' }) : null,
      first.assertion === 'affirmed' ? null : h('span', { class: 'entity-standing', t: stands, params, data: { assertion: first.assertion } })),
    h('span', { class: 'entity-when' }, times, h('time', { text: clock(when(first)) })),
    told.length ? h('span', { class: 'entity-details', text: told.join(' · ') }) : null,
    otherwise ? h('q', { class: 'entity-said', text: otherwise.text }) : null);
  return h('li', { data: { concept: key, assertion: first.assertion, category: first.category } }, button);
}

/** What the marks mean: every family with its sample, so that nobody has to know colours. */
export function legend() {
  const samples = FAMILIES.map((family) => h('li', {}, h('span', { class: 'entity', data: { family, assertion: 'affirmed' }, t: `entity.family.${family}` })));
  return h('details', { class: 'entity-legend' }, h('summary', { t: 'entities.meaning' }), h('ul', {}, ...samples), h('p', { class: 'muted', t: 'entities.meaningNotes' }));
}
