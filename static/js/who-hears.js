/** Whether voices leave this server to be recognised, and to whom. */

import { setText } from './dom.js';

/**
 * @param {HTMLElement} element
 * @param {string | null} service
 */
export function sayWhoHears(element, service) {
  element.classList.toggle('elsewhere', service !== null);
  if (service === null) setText(element, 'consent.hereOnly');
  else setText(element, 'consent.elsewhere', { service });
}
