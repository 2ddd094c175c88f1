/** Turns the server's messages into state and record. History (replayed after a welcome) restores, but tells no news. */

/**
 * @typedef {import('./types.js').RoomEvent} RoomEvent
 * @typedef {import('./types.js').Welcome} Welcome
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./record.js').Record} Record
 * @typedef {{ key: import('./i18n.js').Key, act: () => void }} Action
 * @typedef {{ key: import('./i18n.js').Key, params?: import('./i18n.js').Params, tone?: 'info' | 'warn' | 'urgent', action?: Action }} Notice
 */

import { isKey } from './i18n.js';

/** @type {{ [code: string]: string }} codes that mean the same to a person */
const SAME_AS = { invalid_message: 'invalid_request', invalid_offer: 'invalid_request', unauthorized: 'forbidden' };

/**
 * What to tell a person of the server's error: the page's sentence in their language, or else the server's.
 * @param {string} code
 * @param {string} message
 * @returns {Notice}
 */
export function refusal(code, message) {
  const key = `error.${SAME_AS[code] ?? code}`;
  return isKey(key) ? { key, tone: 'warn' } : { key: 'notice.error', params: { message }, tone: 'warn' };
}

/**
 * Take the present state from the welcome.
 * @param {Store} store
 * @param {Welcome} welcome
 */
export function applyWelcome(store, welcome) {
  store.set({
    role: welcome.role,
    consultationId: welcome.consultation.id,
    title: welcome.consultation.title,
    consentMode: welcome.consent_mode,
    voicesGoTo: welcome.voices_go_to,
    seats: Object.fromEntries(welcome.seats.map((seat) => [seat.role, seat])),
    recording: welcome.recording ? 'on' : store.state.recording === 'refused' ? 'refused' : 'off',
    roomZeroMs: performance.now() - welcome.room_s * 1000,
  });
}

/**
 * Restore what lasts: captions, tips, chat and the states that the welcome does not carry.
 * @param {Store} store
 * @param {Record} record
 * @param {RoomEvent} event
 */
export function applyLasting(store, record, event) {
  switch (event.type) {
    case 'interim_transcript':
    case 'final_transcript':
    case 'audio_gap':
      record.putCaption(captionOf(event));
      break;
    case 'entities_found':
      record.putEntities(event.entities);
      break;
    case 'chat_sent':
      record.putChat({ ...event, id: event.message_id, atS: event.at_s, pending: false });
      break;
    case 'tip_ready':
      record.putTip({ tip: event.tip, atS: event.at_s, mark: null, released: false });
      break;
    case 'tip_marked':
      record.markTip(event.tip_id, event.mark);
      break;
    case 'tip_released':
      record.releaseTip(event.tip, event.at_s);
      break;
    case 'question_asked':
      record.putQuestion({ id: event.question_id, text: event.text, atS: event.at_s });
      break;
    case 'budget_spent':
      store.set({ budgetSpent: true });
      break;
    case 'sidecar_state_changed':
      store.set({ sidecars: { ...store.state.sidecars, [event.sidecar]: event.state } });
      if (event.sidecar === 'speech') store.set({ speechReason: event.detail });
      break;
    case 'sidecar_failed':
      store.set({ sidecars: { ...store.state.sidecars, [event.sidecar]: 'failing' } });
      break;
    case 'recording_started':
      store.set({ recordingReason: '', diskFreeMb: null, sidecars: { ...store.state.sidecars, recording: 'ok' } });
      if (store.state.recording === 'refused') store.set({ recording: 'off' });
      break;
    case 'recording_stopped':
      // In history this tells why nothing is recorded now; what happens now is `recordingNews`.
      if (store.state.recording !== 'on') store.set(stopped(event.reason));
      break;
    case 'recording_refused':
      if (store.state.recording !== 'on') store.set({ recording: 'refused', recordingReason: event.reason });
      break;
    case 'disk_low':
      store.set({ diskFreeMb: event.free_mb });
      break;
    default:
  }
}

/**
 * Apply what happens now and say what a person should be told.
 * @param {Store} store
 * @param {RoomEvent} event
 * @returns {Notice | null}
 */
export function applyPresent(store, event) {
  const { role: own, seats } = store.state;
  switch (event.type) {
    case 'participant_joined':
      return joined(store, event);
    case 'participant_left': {
      const { [event.role]: gone, ...rest } = seats;
      store.set({ seats: rest });
      return gone && event.role !== own ? { key: 'notice.left', params: { name: gone.name } } : null;
    }
    case 'connection_changed':
      store.setSeat(event.role, { connection: event.state });
      return null;
    case 'quality_changed':
      store.setSeat(event.role, { bars: event.bars });
      return null;
    case 'participant_away':
      store.setSeat(event.role, { kept_until_s: event.kept_until_s });
      return null;
    case 'media_changed':
      store.setSeat(event.role, { microphone: event.microphone, camera: event.camera, screen: event.screen });
      return event.screen && event.role !== own && !seats[event.role]?.screen
        ? { key: 'notice.screen', params: { name: seats[event.role]?.name ?? '' } }
        : null;
    case 'consent_changed':
      store.setSeat(event.role, { consent: event.granted });
      return null;
    case 'budget_spent':
      return { key: 'notice.budgetSpent' };
    default:
      return recordingNews(store, event);
  }
}

/**
 * @param {Store} store
 * @param {import('./types.js').ParticipantJoined} event
 * @returns {Notice | null}
 */
function joined(store, event) {
  const { role: own, seats } = store.state;
  const known = seats[event.role];
  const seat = {
    connection: /** @type {const} */ ('connecting'), bars: null, consent: null, microphone: false, camera: false, screen: false,
    ...known, role: event.role, identity: event.identity, name: event.name, kept_until_s: null,
  };
  store.set({ seats: { ...seats, [event.role]: seat } });
  if (event.role === own) return null;
  return { key: event.returned ? 'notice.returned' : 'notice.joined', params: { name: event.name } };
}

/**
 * @param {Store} store
 * @param {RoomEvent} event
 * @returns {Notice | null}
 */
function recordingNews(store, event) {
  switch (event.type) {
    case 'recording_started':
      store.set({ recording: 'on', recordingReason: '' });
      return { key: 'notice.recordingStarted' };
    case 'recording_stopped':
      store.set(stopped(event.reason));
      return event.reason === 'consultation_ended' ? null : { key: `notice.recordingStopped.${event.reason}`, tone: 'warn' };
    case 'recording_refused':
      return { key: `notice.recordingRefused.${event.reason}`, tone: 'warn' };
    case 'disk_low':
      return { key: 'notice.diskLow', params: { mb: event.free_mb }, tone: 'warn' };
    default:
      return null;
  }
}

/**
 * @param {import('./types.js').RecordingStopped['reason']} reason
 * @returns {Partial<import('./store.js').State>}
 */
function stopped(reason) {
  const byFault = reason === 'disk_full' || reason === 'failed';
  return byFault ? { recording: 'refused', recordingReason: reason, diskFreeMb: null } : { recording: 'off', recordingReason: '', diskFreeMb: null };
}

/**
 * @param {import('./types.js').InterimTranscript | import('./types.js').FinalTranscript | import('./types.js').AudioGap} event
 * @returns {import('./record.js').Caption}
 */
function captionOf(event) {
  if (event.type === 'final_transcript') {
    const { id, role, start_s: startS, end_s: endS, text, language } = event.utterance;
    return { id, role, startS, endS, text, settledChars: text.length, final: true, gap: false, language };
  }
  const { role, start_s: startS, end_s: endS } = event;
  if (event.type === 'audio_gap') {
    const id = `gap-${role}-${startS}`;
    return { id, role, startS, endS, text: '', settledChars: 0, final: true, gap: true, language: '' };
  }
  const { utterance_id: id, text, settled_chars: settledChars, language } = event;
  return { id, role, startS, endS, text, settledChars, final: false, gap: false, language };
}
