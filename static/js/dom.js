/** Builds elements. Text is set with textContent only; every word of the page's own comes from i18n.js by key. */

import { t } from './i18n.js';

/**
 * @typedef {import('./i18n.js').Key} Key
 * @typedef {import('./i18n.js').Params} Params
 * @typedef {object} Props
 * @property {string} [class]
 * @property {string} [id]
 * @property {Key} [t] key of the text
 * @property {Params} [params] of the text and of the label
 * @property {Key} [label] key of aria-label, also shown as tooltip
 * @property {Key} [placeholder]
 * @property {string} [text] a person's text, shown as it is
 * @property {boolean} [hidden]
 * @property {Record<string, string>} [data]
 * @property {Record<string, string>} [attrs]
 * @property {Record<string, (event: any) => void>} [on]
 */

/** @type {WeakMap<Element, Map<string, [Key, Params]>>} */
const localized = new WeakMap();
const SVG = 'http://www.w3.org/2000/svg';

/**
 * Build one element with its children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {...(Node | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  if (props.class) element.className = props.class;
  if (props.id) element.id = props.id;
  if (props.hidden) element.hidden = true;
  if (props.text !== undefined) element.textContent = props.text;
  if (props.t) setText(element, props.t, props.params);
  if (props.label) setLabel(element, props.label, props.params);
  if (props.placeholder) localize(element, 'placeholder', props.placeholder, {});
  Object.assign(element.dataset, props.data ?? {});
  for (const [name, value] of Object.entries(props.attrs ?? {})) element.setAttribute(name, value);
  for (const [name, listener] of Object.entries(props.on ?? {})) element.addEventListener(name, listener);
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * Show the text of `key`, and keep it in the page's language from now on.
 * @param {Element} element
 * @param {Key} key
 * @param {Params} [params]
 */
export function setText(element, key, params = {}) {
  localize(element, '', key, params);
}

/**
 * Name an element for screen readers and, as tooltip, for those who point.
 * @param {Element} element
 * @param {Key} key
 * @param {Params} [params]
 */
export function setLabel(element, key, params = {}) {
  localize(element, 'aria-label', key, params);
  localize(element, 'title', key, params);
}

/**
 * Keep the text of `key` in an attribute that a style sheet shows.
 * @param {Element} element
 * @param {string} attribute
 * @param {Key} key
 */
export function setData(element, attribute, key) {
  localize(element, attribute, key, {});
}

/**
 * @param {Element} element
 * @param {string} attribute '' for the text
 * @param {Key} key
 * @param {Params} params
 */
function localize(element, attribute, key, params) {
  const entries = localized.get(element) ?? new Map();
  localized.set(element, entries.set(attribute, [key, params]));
  element.setAttribute('data-i18n', '');
  write(element, attribute, t(key, params));
}

/**
 * @param {Element} element
 * @param {string} attribute
 * @param {string} value
 */
function write(element, attribute, value) {
  if (attribute) {
    if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
  } else if (element.textContent !== value) element.textContent = value;
}

/** Write every localized text again, after the language changed. */
export function relocalize() {
  for (const element of document.querySelectorAll('[data-i18n]')) {
    for (const [attribute, [key, params]] of localized.get(element) ?? []) write(element, attribute, t(key, params));
  }
}

/**
 * An icon of static/icons.svg; decoration only, so give its button a label.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * @param {Element} host holds one icon
 * @param {string} name
 */
export function setIcon(host, name) {
  const href = `/static/icons.svg#${name}`;
  const use = host.querySelector('use');
  if (use && use.getAttribute('href') !== href) use.setAttribute('href', href);
}

/**
 * A round button that shows an icon; its label names it.
 * @param {string} name of the icon
 * @param {Key} label
 * @param {Props} [props]
 */
export function iconButton(name, label, props = {}) {
  const { class: extra = '', attrs = {}, ...rest } = props;
  return h('button', { ...rest, label, class: `icon-button ${extra}`, attrs: { type: 'button', ...attrs } }, icon(name));
}
