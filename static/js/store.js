/** The page's state: one flat object, changed by patches, watched by views. */

/**
 * @typedef {import('./types.js').Seat} Seat
 * @typedef {import('./types.js').Role} Role
 * @typedef {import('./stats.js').Figures & import('./verdict.js').Judged} Quality
 *
 * @typedef {object} State
 * @property {Role} role
 * @property {string} consultationId
 * @property {string} title
 * @property {import('./types.js').ConsentMode} consentMode
 * @property {string | null} voicesGoTo the service elsewhere that recognises speech; null: this server does
 * @property {Partial<Record<Role, Seat>>} seats who is there, and how their media does
 * @property {'connecting' | 'open' | 'waiting' | 'closed'} socket
 * @property {'' | 'lost' | 'lostLong' | 'stopping' | 'unavailable'} cutOff why the socket is being tried again
 * @property {'new' | 'connecting' | 'connected' | 'lost'} media our RTCPeerConnection
 * @property {boolean} offline the browser says that it has no network
 * @property {number | null} socketTryMs performance.now() at which the socket is tried anew
 * @property {number | null} mediaTryMs the same of the RTCPeerConnection
 * @property {'off' | 'on' | 'refused'} recording
 * @property {'' | 'disk_full' | 'failed'} recordingReason why it is refused
 * @property {number | null} diskFreeMb set when the server's disk runs low
 * @property {Partial<Record<import('./types.js').Sidecar, import('./types.js').SidecarState>>} sidecars
 * @property {string} speechReason why captions are late or absent, where the server says it
 * @property {Quality | null} quality
 * @property {boolean} microphone
 * @property {boolean} camera
 * @property {boolean} screen
 * @property {boolean} soundBlocked the browser wants a click before it plays sound
 * @property {'captions' | 'tips' | 'entities' | 'chat'} tab
 * @property {boolean} captionsOn
 * @property {number} unread chat messages
 * @property {number} entities how many things are listed
 * @property {number} tips how many there are
 * @property {boolean} budgetSpent the chat model is asked no more
 * @property {number} unseenTips those that came while their panel was hidden
 * @property {boolean} unseenUrgent one of them is urgent
 * @property {number} roomZeroMs performance.now() at room time 0; NaN before the welcome
 */

/** @returns {State} */
function initial() {
  return {
    role: 'patient', consultationId: '', title: '', consentMode: 'ask', voicesGoTo: null, seats: {},
    socket: 'connecting', cutOff: '', media: 'new', offline: false, socketTryMs: null, mediaTryMs: null, recording: 'off', recordingReason: '', diskFreeMb: null, sidecars: {}, speechReason: '',
    quality: null, microphone: false, camera: false, screen: false, soundBlocked: false,
    tab: 'captions', captionsOn: true, unread: 0, entities: 0, tips: 0, budgetSpent: false, unseenTips: 0, unseenUrgent: false, roomZeroMs: NaN,
  };
}

export class Store {
  constructor() {
    /** @type {Readonly<State>} */
    this.state = initial();
    /** @type {Set<(state: Readonly<State>, before: Readonly<State>) => void>} */
    this.watchers = new Set();
  }

  /**
   * Change some fields; watchers are told once if anything differs.
   * @param {Partial<State>} patch
   */
  set(patch) {
    const before = this.state;
    const next = { ...before, ...patch };
    const keys = /** @type {(keyof State)[]} */ (Object.keys(patch));
    if (keys.every((key) => Object.is(before[key], next[key]))) return;
    this.state = next;
    for (const watcher of [...this.watchers]) watcher(next, before);
  }

  /**
   * Call `watcher` now and after every change.
   * @param {(state: Readonly<State>, before: Readonly<State>) => void} watcher
   * @returns {() => void} stops watching
   */
  watch(watcher) {
    this.watchers.add(watcher);
    watcher(this.state, this.state);
    return () => this.watchers.delete(watcher);
  }

  /**
   * Change one seat, if somebody is in it.
   * @param {Role} role
   * @param {Partial<Seat>} patch
   */
  setSeat(role, patch) {
    const seat = this.state.seats[role];
    if (seat) this.set({ seats: { ...this.state.seats, [role]: { ...seat, ...patch } } });
  }
}

/**
 * @param {Role} role
 * @returns {Role}
 */
export function other(role) {
  return role === 'clinician' ? 'patient' : 'clinician';
}

/**
 * The room time now, in seconds; 0 before the welcome.
 * @param {Readonly<State>} state
 */
export function roomTime(state) {
  return Number.isNaN(state.roomZeroMs) ? 0 : Math.max(0, (performance.now() - state.roomZeroMs) / 1000);
}
