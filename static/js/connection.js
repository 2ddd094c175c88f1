/** Our media: one RTCPeerConnection at a time into the same seat; a dead one is replaced without anybody pressing. */

/**
 * @typedef {import('./types.js').ClientMessage} ClientMessage
 * @typedef {object} ConnectionOptions
 * @property {(message: ClientMessage) => boolean} send
 * @property {() => { audio: MediaStreamTrack | null, video: MediaStreamTrack | null }} outgoing what to send now
 * @property {(stream: MediaStream) => void} onStream the other's media
 * @property {(state: 'connecting' | 'connected' | 'lost', nextTryMs: number | null) => void} onState
 *   `nextTryMs`: so long from now until a new connection replaces a lost one, where that is known
 * @property {() => boolean} reachable whether the server was heard through the socket a moment ago
 */

const DISCONNECTED_GRACE_MS = 3_000;
const CONNECT_TIMEOUT_MS = 15_000;
const LONGEST_DELAY_MS = 5_000;
const LOOK_AGAIN_MS = 250;

export class Connection {
  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.options = options;
    this.number = 0;
    this.failures = 0;
    this.closed = false;
    /** @type {RTCPeerConnection | null} */
    this.pc = null;
    /** @type {RTCRtpSender[]} */
    this.senders = [];
    /** @type {RTCIceServer[]} */
    this.iceServers = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.watchdog = undefined;
  }

  /** @returns {boolean} whether media flows as far as we can tell */
  get alive() {
    return this.pc?.connectionState === 'connected';
  }

  /** Drop what there is and negotiate a new connection. Call when the socket is joined. */
  async start() {
    this.#drop();
    if (this.closed) return;
    this.number += 1;
    const pc = new RTCPeerConnection({ iceServers: this.iceServers, bundlePolicy: 'max-bundle', ...testOverrides() });
    this.pc = pc;
    this.options.onState('connecting', null);
    this.watchdog = setTimeout(() => this.#failed(pc), CONNECT_TIMEOUT_MS);
    this.#addTransceivers(pc);
    this.#listen(pc, this.number);
    try {
      await pc.setLocalDescription(await pc.createOffer());
    } catch {
      this.#failed(pc);
      return;
    }
    if (pc !== this.pc) return;
    this.options.send({ type: 'offer', connection: this.number, sdp: pc.localDescription?.sdp ?? '' });
  }

  /**
   * @param {number} connection the offer's number
   * @param {string} sdp
   */
  async accept(connection, sdp) {
    const pc = this.pc;
    if (!pc || connection !== this.number || pc.signalingState !== 'have-local-offer') return;
    try {
      await pc.setRemoteDescription({ type: 'answer', sdp });
    } catch {
      this.#failed(pc);
    }
  }

  /** The server could not use our offer. */
  refused() {
    if (this.pc && this.pc.signalingState === 'have-local-offer') this.#failed(this.pc);
  }

  /** Replace a connection that is not well now instead of later. Call while the server is within reach. */
  retry() {
    const isTrying = this.pc?.connectionState === 'new' || this.pc?.connectionState === 'connecting';
    if (this.alive || isTrying || this.closed || this.number === 0) return;
    this.failures = 0;
    void this.start();
  }

  /** Send the tracks that are current now; needs no negotiation. */
  async syncTracks() {
    const { audio, video } = this.options.outgoing();
    const [audioSender, videoSender] = this.senders;
    await Promise.all([audioSender?.replaceTrack(audio), videoSender?.replaceTrack(video)]);
  }

  /** Close for good. */
  close() {
    this.closed = true;
    this.#drop();
  }

  /** @param {RTCPeerConnection} pc */
  #addTransceivers(pc) {
    const { audio, video } = this.options.outgoing();
    const together = new MediaStream();
    /** @type {RTCRtpTransceiverInit} */
    const init = { direction: 'sendrecv', streams: [together] };
    const transceivers = [pc.addTransceiver(audio ?? 'audio', init), pc.addTransceiver(video ?? 'video', init)];
    prefer(transceivers[0], 'audio', ['audio/opus']);
    prefer(transceivers[1], 'video', ['video/vp8', 'video/h264', 'video/rtx']);
    this.senders = transceivers.map((transceiver) => transceiver.sender);
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {number} connection
   */
  #listen(pc, connection) {
    const incoming = new MediaStream();
    pc.addEventListener('track', (event) => {
      incoming.addTrack(event.track);
      if (pc === this.pc) this.options.onStream(incoming);
    });
    pc.addEventListener('icecandidate', ({ candidate }) => {
      if (pc !== this.pc) return;
      this.options.send({
        type: 'candidate',
        connection,
        candidate: candidate?.candidate ?? '',
        sdp_mid: candidate?.sdpMid ?? null,
        sdp_m_line_index: candidate?.sdpMLineIndex ?? null,
      });
    });
    pc.addEventListener('connectionstatechange', () => {
      if (pc === this.pc) this.#changed(pc);
    });
  }

  /** @param {RTCPeerConnection} pc */
  #changed(pc) {
    clearTimeout(this.watchdog);
    if (pc.connectionState === 'connected') {
      this.failures = 0;
      this.options.onState('connected', null);
    } else if (pc.connectionState === 'disconnected') {
      this.options.onState('lost', DISCONNECTED_GRACE_MS);
      this.watchdog = setTimeout(() => this.#failed(pc), DISCONNECTED_GRACE_MS);
    } else if (pc.connectionState === 'failed' || pc.connectionState === 'closed') {
      this.#failed(pc);
    } else {
      this.watchdog = setTimeout(() => this.#failed(pc), CONNECT_TIMEOUT_MS);
    }
  }

  /** @param {RTCPeerConnection} pc */
  #failed(pc) {
    if (pc !== this.pc || this.closed) return;
    clearTimeout(this.watchdog);
    if (!this.options.reachable()) {
      this.options.onState('lost', null);
      // The whole network is away: an offer would not arrive, while ICE may find its way again by itself.
      this.watchdog = setTimeout(() => this.#failed(pc), LOOK_AGAIN_MS);
      return;
    }
    this.#drop();
    const delayMs = this.failures === 0 ? 0 : Math.min(LONGEST_DELAY_MS, 500 * 2 ** this.failures);
    this.failures += 1;
    this.options.onState('lost', delayMs);
    this.watchdog = setTimeout(() => this.start(), delayMs);
  }

  #drop() {
    clearTimeout(this.watchdog);
    const pc = this.pc;
    this.pc = null;
    this.senders = [];
    pc?.close();
  }
}

/**
 * Offer only what the server forwards, VP8 first.
 * @param {RTCRtpTransceiver | undefined} transceiver
 * @param {'audio' | 'video'} kind
 * @param {string[]} order MIME types in lower case
 */
function prefer(transceiver, kind, order) {
  const codecs = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const wanted = order.flatMap((type) => codecs.filter((codec) => codec.mimeType.toLowerCase() === type));
  if (wanted.length && transceiver?.setCodecPreferences) transceiver.setCodecPreferences(wanted);
}

/** `?relay=1` forces TURN, to check that a relay works. @returns {RTCConfiguration} */
function testOverrides() {
  return new URLSearchParams(location.search).get('relay') === '1' ? { iceTransportPolicy: 'relay' } : {};
}
