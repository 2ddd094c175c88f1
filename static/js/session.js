/** One person's part in one consultation: socket, media and record together. */

import { Connection } from './connection.js';
import { CutOff } from './cut-off.js';
import { applyLasting, applyPresent, applyWelcome, refusal } from './events.js';
import { Network, whenIn } from './network.js';
import { Record } from './record.js';
import { Signaling } from './signaling.js';
import { roomTime } from './store.js';
import { keepConsent } from './token.js';

/**
 * @typedef {import('./types.js').ServerMessage} ServerMessage
 * @typedef {object} SessionOptions
 * @property {string} token
 * @property {import('./store.js').Store} store
 * @property {import('./devices.js').Devices} devices
 * @property {(notice: import('./events.js').Notice) => void} tell
 * @property {(why: Why) => void} onOver called once
 *
 * @typedef {'ended' | 'left' | 'replaced' | 'unauthorized' | 'room_full' | 'not_found' | 'fault'} Why
 */

/** @type {{ [code: number]: Why }} */
const WHY = { 4001: 'replaced', 4002: 'unauthorized', 4003: 'room_full', 4004: 'not_found', 4005: 'ended', 4006: 'left' };
const CONSENT_ANSWER_MS = 3_000;
const FINALIZE_WAIT_MS = 60_000;

export class Session {
  /** @param {SessionOptions} options */
  constructor(options) {
    this.options = options;
    this.store = options.store;
    this.record = new Record();
    this.name = '';
    /** @type {boolean | null} */
    this.consent = null;
    this.historyUntil = 0;
    this.joinedAtS = Infinity;
    /** @type {Why | null} */
    this.over = null;
    this.endedAtS = 0;
    /** @type {import('./types.js').ConsultationEnded['reason'] | ''} */
    this.endReason = '';
    this.everJoined = false;
    this.cutOff = new CutOff();
    this.consentAskedMs = -Infinity;
    this.everRecorded = false;
    /** @type {Partial<{ [role in import('./types.js').Role]: string }>} who took part, kept after they left */
    this.peerNames = {};
    this.store.watch(({ seats, recording }) => {
      for (const seat of Object.values(seats)) if (seat) this.peerNames[seat.role] = seat.name;
      this.everRecorded ||= recording === 'on';
    });
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {Set<() => void>} */
    this.streamWatchers = new Set();
    this.signaling = new Signaling({
      url: `${location.origin.replace(/^http/, 'ws')}/ws`,
      hello: () => ({ token: options.token, name: this.name || null, consent: this.consent }),
      onMessage: (message) => this.#receive(message),
      onState: (state, code, nextTryMs) => this.#socketChanged(state, code, nextTryMs),
    });
    this.connection = new Connection({
      send: (message) => this.signaling.send(message),
      outgoing: () => options.devices.outgoing(),
      onStream: (stream) => this.#streamChanged(stream),
      onState: (media, nextTryMs) => this.store.set({ media, mediaTryMs: whenIn(nextTryMs) }),
      reachable: () => this.signaling.fresh,
    });
    this.devicesChanged = () => this.#devicesChanged();
    this.network = new Network(this);
  }

  /**
   * @param {string} name
   * @param {boolean | null} consent null if the page did not have to ask
   */
  join(name, consent) {
    this.name = name;
    this.consent = consent;
    this.options.devices.watchers.add(this.devicesChanged);
    this.#devicesChanged();
    this.network.open();
    this.signaling.open();
  }

  /** Give up the seat; the consultation goes on. */
  leave() {
    this.signaling.send({ type: 'leave' });
    this.#finish('left');
    this.signaling.close();
  }

  /** End the consultation for both. @returns {boolean} false while there is no connection */
  end() {
    return this.signaling.send({ type: 'end' });
  }

  /** @param {boolean} granted */
  setConsent(granted) {
    // A withdrawal counts at once, even if only the next join can carry it; a grant when the server says so.
    if (!granted) {
      this.#noteConsent(false);
      this.store.setSeat(this.store.state.role, { consent: false });
    }
    this.consentAskedMs = granted ? performance.now() : -Infinity;
    if (this.signaling.send({ type: 'consent', granted })) return;
    this.#noteConsent(granted);
    this.options.tell({ key: 'notice.consentOffline', tone: 'warn' });
  }

  /** @param {string} text */
  sendChat(text) {
    const { role } = this.store.state;
    const id = crypto.randomUUID?.() ?? `m${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.record.putChat({ id, role, name: this.name, text, atS: roomTime(this.store.state), pending: true });
    this.signaling.send({ type: 'chat', message_id: id, text });
  }

  /**
   * @param {string} id
   * @param {import('./types.js').TipMark} mark
   */
  markTip(id, mark) {
    this.record.markTip(id, mark);
    this.signaling.send({ type: 'mark_tip', tip_id: id, mark });
  }

  /** Let the patient have an explanation. @param {string} id */
  releaseTip(id) {
    if (!this.signaling.send({ type: 'release_tip', tip_id: id })) this.options.tell({ key: 'notice.offline', tone: 'warn' });
  }

  /**
   * Ask about this consultation.
   * @param {string} text
   * @returns {boolean} false while there is no connection
   */
  ask(text) {
    const id = crypto.randomUUID?.() ?? `q${Date.now()}-${Math.random().toString(36).slice(2)}`;
    const sent = this.signaling.send({ type: 'ask', question_id: id, text });
    if (!sent) this.options.tell({ key: 'notice.offline', tone: 'warn' });
    return sent;
  }

  /**
   * Whether something of this room time happened after we joined, and is worth telling.
   * @param {number} atS
   */
  isNews(atS) {
    return atS >= this.joinedAtS;
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (message.type === 'welcome') this.#welcomed(message);
    else if (message.type === 'answer') void this.connection.accept(message.connection, message.sdp);
    else if (message.type === 'pong') this.network.answered(message);
    else if (message.type === 'replaced') this.#finish('replaced');
    else if (message.type === 'error') this.#refused(message);
    else this.#happened(message);
  }

  /** @param {import('./types.js').Welcome} welcome */
  #welcomed(welcome) {
    this.historyUntil = welcome.sequence;
    this.name = welcome.name;
    this.joinedAtS = Math.min(this.joinedAtS, welcome.room_s);
    // Interims are not replayed: what was half said before a break comes back with its next interim or its final.
    if (this.everJoined) this.record.settle();
    this.everJoined = true;
    applyWelcome(this.store, welcome);
    this.connection.iceServers = welcome.ice_servers.map(({ urls, username, credential }) =>
      username && credential ? { urls, username, credential } : { urls });
    this.#tellMedia();
    this.network.welcomed();
    for (const entry of this.record.chat.values()) {
      if (entry.pending) this.signaling.send({ type: 'chat', message_id: entry.id, text: entry.text });
    }
    const seen = this.store.state.seats[welcome.role]?.connection;
    // Media may have died on the server's side only, as when it restarted: then our seat says so.
    if (!this.connection.alive || (seen !== 'connected' && seen !== 'unstable')) void this.connection.start();
  }

  /** @param {import('./types.js').ErrorMessage} error */
  #refused(error) {
    // Before the welcome and after the end the close code says it better.
    if (this.over || !this.signaling.joined) return;
    const aboutConsent = error.code === 'too_frequent' && performance.now() - this.consentAskedMs < CONSENT_ANSWER_MS;
    if (error.code === 'invalid_offer') this.connection.refused();
    else this.options.tell(refusal(aboutConsent ? 'consent_too_frequent' : error.code, error.message));
  }

  /** @param {import('./types.js').EventMessage} message */
  #happened({ sequence, event }) {
    applyLasting(this.store, this.record, event);
    const isHistory = sequence > 0 && sequence <= this.historyUntil;
    if (event.type === 'consultation_ended') {
      this.endedAtS = event.at_s;
      this.endReason = event.reason;
      this.#finish('ended');
      return;
    }
    if (isHistory) return;
    if (event.type === 'consent_changed' && event.role === this.store.state.role) this.#noteConsent(event.granted);
    const notice = applyPresent(this.store, event);
    if (notice) this.options.tell(notice);
    const ownMediaLost = event.type === 'connection_changed' && event.role === this.store.state.role && event.state === 'lost';
    if (ownMediaLost && this.connection.alive) void this.connection.start();
  }

  /**
   * @param {import('./store.js').State['socket']} state
   * @param {number} code
   * @param {number | null} nextTryMs
   */
  #socketChanged(state, code, nextTryMs) {
    this.store.set({ socket: state, cutOff: this.cutOff.now(state, code), socketTryMs: whenIn(nextTryMs) });
    if (state === 'closed' && code !== 1000) this.#finish(WHY[code] ?? 'fault');
  }

  /** @param {boolean} granted */
  #noteConsent(granted) {
    this.consent = granted;
    keepConsent(granted);
  }

  /** @param {Why} why the first reason counts */
  #finish(why) {
    if (this.over) return;
    this.over = why;
    this.endedAtS ||= roomTime(this.store.state);
    this.connection.close();
    this.network.close();
    this.options.devices.watchers.delete(this.devicesChanged);
    this.record.settle();
    // The socket stays a while for what follows the end: the last words, and the finished recording.
    setTimeout(() => this.signaling.close(), FINALIZE_WAIT_MS);
    this.options.onOver(why);
  }

  /** @param {MediaStream} stream */
  #streamChanged(stream) {
    this.stream = stream;
    for (const watcher of this.streamWatchers) watcher();
  }

  #devicesChanged() {
    const { devices } = this.options;
    const before = this.store.state;
    this.store.set({ microphone: devices.sends('microphone'), camera: devices.sends('camera'), screen: devices.screen !== null });
    void this.connection.syncTracks();
    if (this.store.state !== before) this.#tellMedia();
  }

  #tellMedia() {
    const { microphone, camera, screen } = this.store.state;
    this.signaling.send({ type: 'media', microphone, camera, screen });
  }
}
