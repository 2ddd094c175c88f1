/** What was named in a consultation: by id as it stands now, in families that the page shows alike. Pure. */

/**
 * @typedef {import('./entity-types.js').Entity} Entity
 * @typedef {import('./entity-types.js').EntityCategory} EntityCategory
 * @typedef {import('./entity-types.js').Assertion} Assertion
 * @typedef {'complaint' | 'condition' | 'allergy' | 'medicine' | 'examination' | 'context'} Family
 * @typedef {{ key: string, first: Entity, mentions: Entity[], details: Entity[] }} Concept one thing named, however often
 */

/** @type {Family[]} in the order in which they are listed */
export const FAMILIES = ['allergy', 'complaint', 'condition', 'medicine', 'examination', 'context'];
/** @type {{ [category in EntityCategory]: Family }} */
const FAMILY_OF = {
  SymptomOrSign: 'complaint', Diagnosis: 'condition', Allergen: 'allergy',
  MedicationName: 'medicine', MedicationClass: 'medicine', MedicationForm: 'medicine', MedicationRoute: 'medicine', Dosage: 'medicine', Frequency: 'medicine',
  ExaminationName: 'examination', MeasurementValue: 'examination', TreatmentName: 'examination',
  BodyStructure: 'context', Age: 'context', Time: 'context', FamilyRelation: 'context', SubstanceUse: 'context',
};
/** @type {Assertion[]} */
const ORDER = ['affirmed', 'possible', 'past', 'family', 'negated'];
/** What is only asked, or only spoken of in case it comes, is no finding: it is marked where it was said, and not listed. */
const LISTED = new Set(ORDER);

/** Of these, those that are said of nothing that is listed tell little: they stand apart, with the context. */
const MERELY_WHEN = new Set(['Time', 'Frequency']);
/** Having allergies, or none, belongs to them. */
const ALLERGY = 'allergy';

/** @param {Entity} entity */
export function familyOf({ category, normal }) {
  return normal === ALLERGY ? 'allergy' : FAMILY_OF[category];
}

/** @param {Entity} entity */
function listedIn(entity) {
  return MERELY_WHEN.has(entity.category) ? 'context' : familyOf(entity);
}

/** How the language calls it. @param {Entity} entity */
export function nameOf({ name, normal, text }) {
  return name || normal || text;
}

/**
 * The listed things of a family, what there is first: each once for each way it stands, with what is said of it.
 * @param {Iterable<Entity>} entities
 * @param {Family} family
 * @param {(entity: Entity) => number} when where it was said
 * @returns {Concept[]}
 */
export function conceptsOf(entities, family, when) {
  const all = [...entities];
  const byId = new Map(all.map((entity) => [entity.id, entity]));
  /** @type {Map<string, Concept>} */
  const found = new Map();
  const allergens = all.some(({ category, assertion }) => category === 'Allergen' && assertion !== 'negated');
  const tells = (/** @type {Entity} */ { normal, assertion }) => !(allergens && normal === ALLERGY && assertion === 'affirmed');
  const listed = all.filter((entity) => listedIn(entity) === family && LISTED.has(entity.assertion) && tells(entity) && !targetOf(entity, byId));
  for (const entity of listed.sort((a, b) => when(a) - when(b) || a.start - b.start)) {
    const key = [entity.category, entity.normal || entity.text.toLowerCase(), entity.assertion].join(' ');
    const known = found.get(key);
    if (known) known.mentions.push(entity);
    else found.set(key, { key, first: entity, mentions: [entity], details: [] });
  }
  for (const concept of found.values()) concept.details = detailsOf(concept.mentions, all);
  return [...found.values()].sort((a, b) => ORDER.indexOf(a.first.assertion) - ORDER.indexOf(b.first.assertion));
}

/**
 * What an entity says something of, if that is listed: a dose stands beside its medicine.
 * @param {Entity} entity
 * @param {Map<string, Entity>} byId
 */
function targetOf(entity, byId) {
  return entity.relations.map(({ to }) => byId.get(to)).find((target) => target && LISTED.has(target.assertion));
}

/**
 * @param {Entity[]} mentions
 * @param {Entity[]} all
 */
function detailsOf(mentions, all) {
  const ids = new Set(mentions.map(({ id }) => id));
  const about = all.filter(({ relations }) => relations.some(({ to }) => ids.has(to)));
  return about.filter((one, index) => about.findIndex((other) => nameOf(other) === nameOf(one)) === index);
}

/**
 * Where an entity stands in a string of JavaScript: the server counts characters, a string its halves.
 * @param {string} text
 * @param {Entity} entity
 * @returns {{ start: number, end: number } | null} null if other words stand there
 */
export function placeOf(text, { start, end, text: words }) {
  const before = /[\ud800-\udfff]/.test(text) ? [...text].slice(0, start).join('').length : start;
  const place = { start: before, end: before + words.length };
  return end > start && text.slice(place.start, place.end) === words ? place : null;
}
