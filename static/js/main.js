/** The page: which screen is shown, and in which language. */

import { afterScreen } from './after.js';
import { agentsScreen } from './agents.js';
import { Api } from './api.js';
import { callScreen } from './call.js';
import { Devices } from './devices.js';
import { relocalize } from './dom.js';
import { locale, t } from './i18n.js';
import { languageSwitch } from './language.js';
import { nolinkScreen } from './nolink.js';
import { prejoinScreen } from './prejoin.js';
import { Session } from './session.js';
import { Store } from './store.js';
import { Toasts } from './toasts.js';
import { takeInvitation } from './token.js';

/** @typedef {{ element: HTMLElement, close: () => void }} Screen */

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const main = byId('main');
const toasts = new Toasts(byId('toasts'));
/** @type {Screen | null} */
let shown = null;

/**
 * @param {'prejoin' | 'call' | 'after' | 'nolink' | 'agents'} name
 * @param {Screen} screen
 */
function show(name, screen) {
  shown?.close();
  shown = screen;
  main.dataset.screen = name;
  document.body.dataset.screen = name;
  main.replaceChildren(screen.element);
  if (name !== 'prejoin') main.querySelector('h1')?.focus();
}

/** @param {import('./token.js').Invitation} invitation */
function prepare(invitation) {
  const devices = new Devices();
  const api = new Api(invitation.token, invitation.consultationId);
  const consultation = api.consultation().catch(() => null);
  show('prejoin', prejoinScreen({
    invitation, devices, consultation,
    onJoin: (name, consent, told) => enter(invitation, devices, name, consent, told),
  }));
}

/**
 * @param {import('./token.js').Invitation} invitation
 * @param {Devices} devices
 * @param {string} name
 * @param {boolean | null} consent
 * @param {string | null} told the service elsewhere that was named as the one that hears
 */
function enter(invitation, devices, name, consent, told) {
  const store = new Store();
  store.watch(({ voicesGoTo: service }) => {
    if (service === null || service === told) return;
    told = service;
    toasts.show({ key: 'consent.elsewhere', params: { service }, tone: 'warn' });
  });
  store.set({ role: invitation.role, consultationId: invitation.consultationId });
  const session = new Session({
    token: invitation.token, store, devices,
    tell: (notice) => toasts.show(notice),
    onOver: (why) => {
      devices.close();
      const api = new Api(invitation.token, invitation.consultationId);
      show('after', afterScreen({ session, why, api, toasts, onRejoin: () => prepare(invitation) }));
    },
  });
  show('call', callScreen({ session, store, devices, toasts }));
  session.join(name, consent);
}

function localizePage() {
  document.documentElement.lang = locale();
  document.title = `Escuta · ${t('app.tagline')}`;
  byId('skip').textContent = t('app.skip');
  relocalize();
}

byId('language').append(languageSwitch());
document.addEventListener('escuta:language', localizePage);
localizePage();
const invitation = location.pathname === '/agents' ? null : takeInvitation();
if (location.pathname === '/agents') show('agents', agentsScreen());
else if (invitation) prepare(invitation);
else show('nolink', nolinkScreen());
