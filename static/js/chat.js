/** Short messages between the two. */

import { h, icon, iconButton } from './dom.js';
import { clock } from './format.js';

/** @typedef {import('./record.js').ChatEntry} ChatEntry */

/**
 * @param {import('./call.js').CallOptions} options
 * @returns {import('./call.js').Part}
 */
export function chatPanel({ session, store, toasts }) {
  const list = h('ol', { class: 'messages', id: 'messages' });
  const empty = h('p', { class: 'panel-empty', t: 'chat.empty' });
  const scroller = h('div', { class: 'scroller', label: 'chat.title', attrs: { tabindex: '0', role: 'log' } }, empty, list);
  scroller.removeAttribute('title');
  const input = h('textarea', { id: 'chat-input', placeholder: 'chat.placeholder', attrs: { rows: '1', maxlength: '4000' } });
  const form = h('form', { class: 'chat-form' }, h('label', { class: 'visually-hidden', t: 'chat.input', attrs: { for: 'chat-input' } }),
    input, h('button', { id: 'chat-send', class: 'icon-button primary', label: 'chat.send', attrs: { type: 'submit' } }, icon('send')));
  const shut = iconButton('close', 'close', { class: 'panel-close', on: { click: () => store.set({ tab: 'captions' }) } });
  const element = h('section', { class: 'panel chat-panel' }, h('div', { class: 'panel-head' }, h('h2', { t: 'chat.title' }), shut), scroller, form);
  const send = () => {
    const text = input.value.trim();
    if (text) session.sendChat(text);
    input.value = '';
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  /** @type {Map<string, HTMLElement>} */
  const shown = new Map();
  session.record.on('chat', (entry) => {
    empty.hidden = true;
    const before = shown.get(entry.id);
    const message = messageOf(entry, entry.role === store.state.role);
    shown.set(entry.id, message);
    if (before) before.replaceWith(message);
    else list.append(message);
    scroller.scrollTop = scroller.scrollHeight;
    if (before || entry.role === store.state.role || store.state.tab === 'chat') return;
    store.set({ unread: store.state.unread + 1 });
    if (session.isNews(entry.atS)) toasts.show({ key: 'notice.chat', params: { name: entry.name, text: entry.text.slice(0, 120) } });
  });
  const stopWatching = store.watch((state, before) => {
    if (state.tab === before.tab || state.tab !== 'chat') return;
    store.set({ unread: 0 });
    requestAnimationFrame(() => {
      scroller.scrollTop = scroller.scrollHeight;
      input.focus();
    });
  });
  return { element, close: stopWatching };
}

/**
 * @param {ChatEntry} entry
 * @param {boolean} own
 */
function messageOf(entry, own) {
  const when = entry.pending ? h('span', { class: 'message-time', t: 'chat.pending' }) : h('time', { class: 'message-time', text: clock(entry.atS) });
  return h('li', { class: `message${own ? ' own' : ''}`, data: { message: entry.id, pending: String(entry.pending) } },
    h('span', { class: 'message-head' }, h('span', { class: 'message-name', text: entry.name }), when),
    h('span', { class: 'message-text', text: entry.text }));
}
