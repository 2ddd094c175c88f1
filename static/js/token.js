/** The join link's token: read from the fragment once, kept for this tab only, never left in the address bar. */

/**
 * @typedef {object} Invitation
 * @property {string} token
 * @property {string} name
 * @property {import('./types.js').Role} role
 * @property {string} consultationId
 */

const STORED = 'escuta.token';
const CONSENT = 'escuta.consent';

/**
 * Take the token out of the address, or the one this tab had before a reload.
 * @returns {Invitation | null} null without a usable link
 */
export function takeInvitation() {
  const fragment = decodeURIComponent(location.hash.slice(1));
  if (fragment) {
    sessionStorage.setItem(STORED, fragment);
    history.replaceState(null, '', location.pathname + location.search);
  }
  const token = fragment || sessionStorage.getItem(STORED) || '';
  return token ? read(token) : null;
}

/** This tab's last answer on recording, offered again after a reload. @returns {boolean | null} */
export function keptConsent() {
  const kept = sessionStorage.getItem(CONSENT);
  return kept ? kept === 'yes' : null;
}

/** @param {boolean} granted */
export function keepConsent(granted) {
  sessionStorage.setItem(CONSENT, granted ? 'yes' : 'no');
}

/**
 * Read the claims for display only: the server is who verifies them.
 * @param {string} token
 * @returns {Invitation | null}
 */
function read(token) {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    if (claims.role !== 'clinician' && claims.role !== 'patient') return null;
    return {
      token,
      role: claims.role,
      name: String(claims.name ?? ''),
      consultationId: String(claims.consultation ?? ''),
    };
  } catch {
    return null;
  }
}
