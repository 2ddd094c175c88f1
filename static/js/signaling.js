/** The socket: joins, keeps a heartbeat, comes back by itself, and hands every durable event over exactly once. */

/**
 * @typedef {import('./types.js').ServerMessage} ServerMessage
 * @typedef {import('./types.js').ClientMessage} ClientMessage
 * @typedef {import('./types.js').Welcome} Welcome
 * @typedef {object} SignalingOptions
 * @property {string} url
 * @property {() => { token: string, name: string | null, consent: boolean | null }} hello what to join with
 * @property {(message: ServerMessage) => void} onMessage
 * @property {(state: 'connecting' | 'open' | 'waiting' | 'closed', code: number, nextTryMs: number | null) => void} onState
 *   `nextTryMs`: so long from now until it is tried anew, unless that succeeds which is under way
 */

/** Close codes after which trying again makes no sense. */
const FINAL_CODES = new Set([1009, 4000, 4001, 4002, 4003, 4004, 4005, 4006, 4009]);
const CONNECT_TIMEOUT_MS = 10_000;
/** TCP repeats a lost SYN after 1, 3 and 7 s: to be back soon after a network is, begin anew before the second. */
const RECONNECT_TIMEOUT_MS = 2_500;
const FRESH_MS = 3_000;
/** Beyond that, browsers hold back a page's sockets for seconds. */
const MOST_SILENT_ATTEMPTS = 24;
const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 5_000;
/** A server answers sooner than that, unless the network is gone. */
const DOUBT_MS = 2_500;
/** Who presses again and again would only begin again and again. */
const PRESSES_APART_MS = 1_000;

export class Signaling {
  /** @param {SignalingOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.joined = false;
    this.lastSequence = 0;
    this.attempts = 0;
    this.heardMs = 0;
    this.silenceMs = 20_000;
    this.timeoutMs = CONNECT_TIMEOUT_MS;
    this.silentAttempts = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retryTimer = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.heartbeat = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.doubtTimer = undefined;
    this.retryNow = () => this.#retryNow();
  }

  /** @returns {boolean} whether the server was heard a moment ago; it answers a ping every two seconds */
  get fresh() {
    return this.joined && performance.now() - this.heardMs < FRESH_MS;
  }

  /** Connect, and stay connected until `close`. */
  open() {
    window.addEventListener('online', this.retryNow);
    this.#connect();
  }

  /**
   * Send once joined.
   * @param {ClientMessage} message
   * @returns {boolean} false if there is no joined socket now
   */
  send(message) {
    if (!this.joined || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Close for good. */
  close() {
    this.#drop();
    this.#finish(1000);
  }

  /** Treat the socket as dead and come back. */
  reconnect() {
    this.#drop();
    this.#wait(1006);
  }

  /** Try now instead of later; harmless while all is well. */
  retry() {
    const begun = this.socket !== null && performance.now() - this.heardMs < PRESSES_APART_MS;
    if (!begun) this.#retryNow();
  }

  /** The browser says that its network is gone: ask the server for a sign of life instead of waiting for the next one. */
  doubt() {
    const askedMs = performance.now();
    if (!this.send({ type: 'ping', t: askedMs / 1000 })) return;
    clearTimeout(this.doubtTimer);
    this.doubtTimer = setTimeout(() => {
      if (this.joined && this.heardMs < askedMs) this.reconnect();
    }, DOUBT_MS);
  }

  #connect() {
    this.options.onState('connecting', 0, this.timeoutMs + FIRST_DELAY_MS);
    const socket = new WebSocket(this.options.url);
    this.socket = socket;
    this.heardMs = performance.now();
    this.retryTimer = setTimeout(() => this.#unanswered(), this.timeoutMs);
    socket.addEventListener('open', () => {
      if (socket !== this.socket) return;
      // What a slow but working network takes must not be mistaken for none.
      const tookMs = performance.now() - this.heardMs;
      this.timeoutMs = Math.min(CONNECT_TIMEOUT_MS, Math.max(RECONNECT_TIMEOUT_MS, 3 * tookMs));
      clearTimeout(this.retryTimer);
      this.retryTimer = setTimeout(() => this.reconnect(), CONNECT_TIMEOUT_MS);
      const hello = this.options.hello();
      socket.send(JSON.stringify({ type: 'join', v: 1, ...hello, after: this.lastSequence }));
    });
    socket.addEventListener('message', (event) => {
      if (socket === this.socket) this.#receive(String(event.data));
    });
    socket.addEventListener('close', (event) => {
      if (socket !== this.socket) return;
      this.#drop();
      if (FINAL_CODES.has(event.code)) this.#finish(event.code);
      else this.#wait(event.code);
    });
  }

  /** @param {string} text */
  #receive(text) {
    this.heardMs = performance.now();
    /** @type {ServerMessage} */
    const message = JSON.parse(text);
    if (message.type === 'welcome') this.#welcomed(message);
    if (message.type === 'event' && message.sequence > 0) {
      if (message.sequence <= this.lastSequence) return;
      this.lastSequence = message.sequence;
    }
    this.options.onMessage(message);
  }

  /** @param {Welcome} welcome */
  #welcomed(welcome) {
    // A server that lost its history counts from the start again; keeping our number would hide what follows.
    if (welcome.sequence < this.lastSequence) this.lastSequence = 0;
    clearTimeout(this.retryTimer);
    this.joined = true;
    this.attempts = 0;
    this.silentAttempts = 0;
    this.silenceMs = Math.max(6_000, welcome.heartbeat_s * 2_000);
    this.heartbeat = setInterval(() => this.#beat(), Math.max(1_000, welcome.heartbeat_s * 400));
    this.options.onState('open', 0, null);
  }

  #beat() {
    if (performance.now() - this.heardMs > this.silenceMs) this.reconnect();
    else this.send({ type: 'ping', t: performance.now() / 1000 });
  }

  /** Nobody refused, nothing answered: the network is away, and trying again soon burdens no server. */
  #unanswered() {
    this.attempts = Math.min(this.attempts, 1);
    this.silentAttempts += 1;
    if (this.silentAttempts > MOST_SILENT_ATTEMPTS) this.timeoutMs = CONNECT_TIMEOUT_MS;
    this.reconnect();
  }

  #drop() {
    clearInterval(this.heartbeat);
    clearTimeout(this.retryTimer);
    clearTimeout(this.doubtTimer);
    this.joined = false;
    const socket = this.socket;
    this.socket = null;
    if (socket && socket.readyState <= WebSocket.OPEN) socket.close(1000);
  }

  /** @param {number} code */
  #wait(code) {
    const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 1.8 ** this.attempts);
    this.attempts += 1;
    const delayMs = ceiling * (0.7 + 0.3 * Math.random());
    this.retryTimer = setTimeout(() => this.#connect(), delayMs);
    this.options.onState('waiting', code, delayMs);
  }

  /** @param {number} code */
  #finish(code) {
    window.removeEventListener('online', this.retryNow);
    this.options.onState('closed', code, null);
  }

  /** The browser has a network again: what hangs, hangs on the one it had. */
  #retryNow() {
    if (this.fresh) return;
    this.#drop();
    this.#connect();
  }
}
