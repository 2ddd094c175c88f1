/** The picture: the other person large, oneself small, and what is to be known about the connection. */

import { h, icon, setIcon, setLabel, setText } from './dom.js';
import { initials } from './format.js';
import { isCutOff, reconnectNotice } from './reconnect.js';
import { other, roomTime } from './store.js';

/**
 * @typedef {Readonly<import('./store.js').State>} State
 * @typedef {import('./types.js').Seat} Seat
 */

/**
 * @param {import('./call.js').CallOptions} options
 * @returns {import('./call.js').Part}
 */
export function stage(options) {
  const { session, store, devices } = options;
  const remote = remoteView(session, store, devices);
  const self = selfView(devices);
  const list = h('ul');
  const states = h('div', { class: 'states' }, h('div', { attrs: { role: 'status' } }, list));
  const element = h('section', { class: 'stage' }, ...remote.elements, self.element, states);
  const closeNotice = reconnectNotice(states, options);
  const stopWatching = store.watch((state) => {
    const seat = state.seats[other(state.role)];
    element.dataset.peer = peerState(seat);
    element.dataset.picture = seat && (seat.camera || seat.screen) ? 'on' : 'off';
    element.dataset.screen = seat?.screen ? 'on' : 'off';
    remote.show(state, seat);
    self.show(state);
    showStates(list, state);
  });
  return {
    element,
    close() {
      stopWatching();
      closeNotice();
      remote.close();
      self.close();
    },
  };
}

/** @param {Seat | undefined} seat */
function peerState(seat) {
  return seat ? seat.connection : 'waiting';
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('./store.js').Store} store
 * @param {import('./devices.js').Devices} devices
 */
function remoteView(session, store, devices) {
  const video = h('video', { id: 'remote-video', attrs: { autoplay: '', playsinline: '' } });
  const avatar = h('div', { class: 'avatar', attrs: { 'aria-hidden': 'true' } });
  const peer = h('p', { id: 'peer-state', attrs: { role: 'status' } });
  // How long the seat is kept; a timer is not read out at every tick.
  const kept = h('p', { class: 'peer-kept', hidden: true, attrs: { role: 'timer', 'aria-live': 'off' } });
  const hint = h('p', { class: 'peer-hint' });
  const chipName = h('span');
  const muted = h('span', { class: 'muted-mark', label: 'peer.muted', attrs: { role: 'img' } }, icon('mic-off'));
  const weak = h('span', { class: 'weak-mark', label: 'peer.weak', attrs: { role: 'img' } }, icon('bars-2'));
  const chip = h('div', { class: 'name-chip' }, muted, weak, chipName);
  const sound = h('button', { class: 'button primary sound', id: 'hear', t: 'sound.blocked', hidden: true, attrs: { type: 'button' } });
  const play = () => video.play().then(() => store.set({ soundBlocked: false }), (error) => {
    if (error instanceof DOMException && error.name === 'NotAllowedError') store.set({ soundBlocked: true });
  });
  sound.addEventListener('click', () => void play());
  const attach = () => {
    if (video.srcObject !== session.stream) video.srcObject = session.stream;
    if (session.stream) void play();
  };
  const speaker = () => {
    if ('setSinkId' in video && devices.speakerId) void video.setSinkId(devices.speakerId).catch(() => devices.setSpeaker(''));
  };
  session.streamWatchers.add(attach);
  devices.watchers.add(speaker);
  attach();
  speaker();
  const countDown = () => showKept(kept, store.state);
  const ticking = setInterval(countDown, 500);
  return {
    elements: [video, h('div', { class: 'curtain' }, avatar, peer, kept, hint), chip, sound],
    /** @param {State} state @param {Seat | undefined} seat */
    show(state, seat) {
      const name = seat?.name ?? '';
      const words = curtainWords(seat);
      setText(peer, words.text, { name });
      hint.hidden = !words.hint;
      if (words.hint) setText(hint, words.hint);
      avatar.textContent = seat ? initials(name) : '';
      peer.dataset.state = peerState(seat);
      chip.hidden = !seat;
      chipName.textContent = name;
      muted.hidden = seat?.microphone ?? true;
      showWeak(weak, state, seat);
      countDown();
      sound.hidden = !state.soundBlocked;
      setLabel(video, 'peer.video', { name: name || '…' });
      video.removeAttribute('title');
    },
    close() {
      clearInterval(ticking);
      session.streamWatchers.delete(attach);
      devices.watchers.delete(speaker);
      video.srcObject = null;
    },
  };
}

/**
 * @param {HTMLElement} kept
 * @param {State} state
 */
function showKept(kept, state) {
  const seat = state.seats[other(state.role)];
  const seconds = Math.ceil((seat?.kept_until_s ?? 0) - roomTime(state));
  kept.hidden = seat?.connection !== 'lost' || isCutOff(state) || seconds <= 0;
  if (!kept.hidden) setText(kept, 'peer.lostFor', { seconds });
}

/**
 * @param {HTMLElement} weak
 * @param {State} state
 * @param {Seat | undefined} seat
 */
function showWeak(weak, state, seat) {
  const bars = seat?.bars ?? 4;
  weak.hidden = bars > 2 || seat?.connection !== 'connected' || isCutOff(state);
  setIcon(weak, `bars-${bars}`);
  setLabel(weak, 'peer.weak', { name: seat?.name ?? '' });
}

/**
 * @param {Seat | undefined} seat
 * @returns {{ text: import('./i18n.js').Key, hint?: import('./i18n.js').Key }}
 */
function curtainWords(seat) {
  if (!seat) return { text: 'peer.waiting', hint: 'peer.waitingHint' };
  if (seat.connection === 'lost') return { text: 'peer.lost', hint: 'peer.lostHint' };
  if (seat.connection === 'connecting' || seat.connection === 'unstable') return { text: `peer.${seat.connection}` };
  return { text: seat.camera || seat.screen ? 'peer.connected' : 'peer.cameraOff' };
}

/** @param {import('./devices.js').Devices} devices */
function selfView(devices) {
  const video = h('video', { id: 'self-video', label: 'self.video', attrs: { autoplay: '', playsinline: '' } });
  video.muted = true;
  const off = h('div', { class: 'self-off', attrs: { 'aria-hidden': 'true' } }, icon('camera-off'));
  const muted = h('span', { class: 'muted-mark', hidden: true, attrs: { 'aria-hidden': 'true' } }, icon('mic-off'));
  const element = h('div', { class: 'self' }, video, off, h('div', { class: 'self-name' }, muted, h('span', { t: 'you' })));
  const show = () => {
    const track = devices.screen ?? devices.tracks.camera;
    const stream = /** @type {MediaStream | null} */ (video.srcObject);
    if (stream?.getVideoTracks()[0] !== (track ?? undefined)) video.srcObject = track ? new MediaStream([track]) : null;
    element.dataset.mirror = devices.screen ? 'off' : 'on';
  };
  devices.watchers.add(show);
  show();
  return {
    element,
    /** @param {State} state */
    show(state) {
      off.hidden = state.camera || state.screen;
      muted.hidden = state.microphone;
      video.removeAttribute('title');
    },
    close() {
      devices.watchers.delete(show);
      video.srcObject = null;
    },
  };
}

/**
 * @param {HTMLElement} list
 * @param {State} state
 */
function showStates(list, state) {
  const wanted = statesOf(state);
  const keys = wanted.map(({ key }) => key).join(' ');
  if (list.dataset.keys === keys) return;
  list.dataset.keys = keys;
  list.replaceChildren(...wanted.map(({ key, tone, params }) =>
    h('li', { class: 'state', data: { tone, state: key } }, icon(tone === 'info' ? 'info' : 'warning'), h('span', { t: key, params: params ?? {} }))));
}

/**
 * @param {State} state
 * @returns {{ key: import('./i18n.js').Key, tone: 'info' | 'warn', params?: import('./i18n.js').Params }[]}
 */
function statesOf(state) {
  const { sidecars, role, quality } = state;
  /** @type {ReturnType<typeof statesOf>} */
  const states = [];
  const cutOff = isCutOff(state);
  const worst = quality?.bars === 1 ? quality.reasons[0]?.kind : undefined;
  if (!cutOff && state.media !== 'connected') states.push({ key: 'self.connecting', tone: 'info' });
  else if (!cutOff && worst && worst !== 'device') states.push({ key: `self.poor.${worst}`, tone: 'warn' });
  const seat = state.seats[other(role)];
  const isPoor = seat?.connection === 'unstable' || (seat?.connection === 'connected' && seat.bars === 1);
  // One's own trouble makes the other's figures poor as well: it is said alone.
  if (seat && isPoor && !cutOff && !worst) states.push({ key: 'peer.unstable', tone: 'warn', params: { name: seat.name } });
  if (sidecars.speech === 'starting' && state.recording !== 'off') states.push({ key: 'state.captionsStarting', tone: 'info' });
  const standIn = state.speechReason === 'fallback';
  if (sidecars.speech === 'delayed') states.push({ key: standIn ? 'state.captionsStandIn' : 'state.captionsDelayed', tone: 'info' });
  if (sidecars.speech === 'failing') states.push({ key: 'state.captionsFailing', tone: 'warn' });
  if (state.recording === 'refused' && state.recordingReason) states.push({ key: `state.refused.${state.recordingReason}`, tone: 'warn' });
  if (role === 'patient') return states;
  if (sidecars.entities === 'delayed') states.push({ key: 'state.entitiesDelayed', tone: 'info' });
  if (sidecars.entities === 'failing') states.push({ key: 'state.entitiesFailing', tone: 'info' });
  if (sidecars.tips === 'delayed') states.push({ key: 'state.tipsDelayed', tone: 'info' });
  if (sidecars.tips === 'failing') states.push({ key: 'state.tipsFailing', tone: 'warn' });
  if (sidecars.recording === 'failing' && state.recording === 'on') states.push({ key: 'state.recordingFailing', tone: 'warn' });
  if (sidecars.storage === 'delayed') states.push({ key: 'state.storageDelayed', tone: 'warn' });
  if (sidecars.storage === 'failing') states.push({ key: 'state.storageFailing', tone: 'warn' });
  if (state.diskFreeMb !== null) states.push({ key: 'state.diskLow', tone: 'warn', params: { mb: state.diskFreeMb } });
  return states;
}
