/** The page's words for what was named. */

import { nameOf } from './entities.js';
import { t } from './i18n.js';

/** @typedef {import('./entities.js').Entity} Entity */

/** Of these nobody affirms anything: they are a dose, a time, a place. */
const MERELY_SAID = new Set(['Time', 'Age', 'Dosage', 'Frequency', 'MedicationForm', 'MedicationRoute', 'MeasurementValue', 'FamilyRelation', 'BodyStructure']);

/**
 * @param {Entity} entity
 * @param {Iterable<Entity>} [others] among them what it says something of, or is said of it
 * @returns {string[]} category, name, how it stands, what is said of it
 */
export function described(entity, others = []) {
  const about = [...others].filter(({ relations }) => relations.some(({ to }) => to === entity.id));
  const { key, params } = standing(entity, about);
  const words = [t(`entity.category.${entity.category}`), nameOf(entity)];
  if (entity.assertion !== 'affirmed' || !MERELY_SAID.has(entity.category)) words.push(t(key, params));
  const details = about.filter(({ category }) => category !== 'FamilyRelation').map((one) => `${t(`entity.category.${one.category}`)}: ${nameOf(one)}`);
  if (entity.approximate) words.push(t('entity.approximate'));
  return [...words, ...details];
}

/**
 * Whose it is, or how it stands.
 * @param {Entity} entity
 * @param {Iterable<Entity>} about what is said of it
 * @returns {{ key: import('./i18n.js').Key, params: import('./i18n.js').Params }}
 */
export function standing({ assertion }, about) {
  const relative = [...about].find(({ category }) => category === 'FamilyRelation');
  return assertion === 'family' && relative ? { key: 'entity.of', params: { name: nameOf(relative) } } : { key: `entity.assertion.${assertion}`, params: {} };
}
