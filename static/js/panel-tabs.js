/** On a small screen one panel shows at a time; these choose it, and say what is new in the others. */

import { h, setLabel, setText } from './dom.js';

/**
 * @param {import('./call.js').CallOptions} options
 * @returns {import('./call.js').Part}
 */
export function panelTabs({ store }) {
  const names = /** @type {const} */ (['tips', 'captions', 'entities', 'chat']);
  const tabs = names.map((name) => {
    const title = h('span', { t: name === 'entities' ? 'entities.tab' : `${name}.title` });
    const badge = h('span', { class: 'tab-badge', hidden: true, attrs: { 'aria-hidden': 'true' } });
    const button = h('button', {
      class: 'tab', data: { tab: name }, attrs: { type: 'button' },
      on: { click: () => store.set(name === 'captions' ? { tab: name, captionsOn: true } : { tab: name }) },
    }, title, badge);
    return { name, button, badge, title };
  });
  const close = store.watch((state) => {
    for (const { name, button, badge, title } of tabs) {
      const words = name === 'tips' && state.role === 'patient' ? 'tips.titlePatient' : /** @type {const} */ (`${name}.title`);
      if (name === 'tips') setText(title, words);
      const count = name === 'tips' ? state.unseenTips : name === 'chat' ? state.unread : 0;
      const urgent = name === 'tips' && state.unseenUrgent;
      button.hidden = name === 'tips' && state.role !== 'clinician' && state.tips === 0;
      if (name === 'entities') button.hidden = state.role !== 'clinician';
      button.setAttribute('aria-pressed', String(name === state.tab));
      badge.hidden = count === 0;
      badge.textContent = urgent ? '!' : String(count);
      badge.dataset.urgent = String(urgent);
      if (urgent) setLabel(button, 'tips.unseenUrgent');
      else if (count) setLabel(button, name === 'tips' ? 'tips.unseen' : 'control.chatUnread', { count });
      else setLabel(button, words);
    }
  });
  return { element: h('div', { class: 'tabs', label: 'panel.tabs', attrs: { role: 'group' } }, ...tabs.map(({ button }) => button)), close };
}
