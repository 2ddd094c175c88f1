/** Connection quality and encryption, read from getStats every two seconds. */

/** @typedef {import('./store.js').Quality} Quality */

const PERIOD_MS = 2_000;

/**
 * Watch a connection's statistics.
 * @param {() => RTCPeerConnection | null} current
 * @param {(quality: Quality | null) => void} tell null while there is no connection
 * @returns {() => void} stops
 */
export function watchQuality(current, tell) {
  /** @type {Totals | null} */
  let before = null;
  const read = async () => {
    const pc = current();
    if (!pc || pc.connectionState !== 'connected') {
      before = null;
      tell(null);
      return;
    }
    const stats = /** @type {Map<string, any>} */ (await pc.getStats());
    const now = totalsOf(stats);
    tell(judge(stats, now, before));
    before = now;
  };
  const timer = setInterval(() => void read(), PERIOD_MS);
  void read();
  return () => clearInterval(timer);
}

/**
 * @typedef {object} Totals
 * @property {number} atMs
 * @property {number} received packets
 * @property {number} lost packets
 * @property {number} receivedBytes
 * @property {number} sentBytes
 */

/** @param {Map<string, any>} stats @returns {Totals} */
function totalsOf(stats) {
  const totals = { atMs: performance.now(), received: 0, lost: 0, receivedBytes: 0, sentBytes: 0 };
  for (const entry of stats.values()) {
    if (entry.type === 'inbound-rtp') {
      totals.received += entry.packetsReceived ?? 0;
      totals.lost += Math.max(0, entry.packetsLost ?? 0);
      totals.receivedBytes += entry.bytesReceived ?? 0;
    } else if (entry.type === 'outbound-rtp') totals.sentBytes += entry.bytesSent ?? 0;
  }
  return totals;
}

/**
 * @param {Map<string, any>} stats
 * @param {Totals} now
 * @param {Totals | null} before
 * @returns {Quality}
 */
function judge(stats, now, before) {
  const entries = [...stats.values()];
  const transport = entries.find((entry) => entry.type === 'transport');
  const pair = stats.get(transport?.selectedCandidatePairId) ?? entries.find((entry) => entry.nominated);
  const rttS = pair?.currentRoundTripTime ?? null;
  const lossPercent = Math.max(inboundLoss(now, before) ?? 0, outboundLoss(entries) ?? 0);
  const video = entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video');
  const rttMs = rttS === null ? null : Math.round(rttS * 1000);
  return {
    bars: bars(rttMs ?? 0, lossPercent),
    rttMs,
    lossPercent,
    receiveKbps: before ? rate(now.receivedBytes - before.receivedBytes, now.atMs - before.atMs) : null,
    sendKbps: before ? rate(now.sentBytes - before.sentBytes, now.atMs - before.atMs) : null,
    dtls: transport?.dtlsState ?? '',
    srtp: transport?.srtpCipher ?? '',
    codec: (stats.get(video?.codecId)?.mimeType ?? '').replace('video/', ''),
  };
}

/**
 * @param {Totals} now
 * @param {Totals | null} before
 */
function inboundLoss(now, before) {
  if (!before) return null;
  const lost = Math.max(0, now.lost - before.lost);
  const all = now.received - before.received + lost;
  return all > 0 ? (100 * lost) / all : null;
}

/** The worst loss that the other end reports about what we send. @param {any[]} entries */
function outboundLoss(entries) {
  const reports = entries.filter((entry) => entry.type === 'remote-inbound-rtp' && entry.fractionLost !== undefined);
  return reports.length ? 100 * Math.max(...reports.map((entry) => entry.fractionLost)) : null;
}

/**
 * @param {number} bytes
 * @param {number} ms
 */
function rate(bytes, ms) {
  return ms > 0 ? Math.max(0, Math.round((bytes * 8) / ms)) : null;
}

/**
 * @param {number} rttMs
 * @param {number} lossPercent
 * @returns {1|2|3|4}
 */
function bars(rttMs, lossPercent) {
  if (rttMs < 150 && lossPercent < 1) return 4;
  if (rttMs < 300 && lossPercent < 3) return 3;
  if (rttMs < 500 && lossPercent < 8) return 2;
  return 1;
}
