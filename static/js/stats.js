/** What getStats says of a connection, reduced to the figures that a verdict needs. Pure.
 *
 * Sound and picture cross two ways: this browser's to the server and the other's. Only the first is ours to judge, so
 * losses on the other are taken off, and an uneven delay counts only as far as our own round trips vary.
 */

/**
 * @typedef {'' | 'udp' | 'tcp' | 'tls'} Relay how the relay is reached; '' without one
 * @typedef {{ own: number | null, other: number | null }} Uplinks share lost on the way from each browser to the server
 *
 * @typedef {object} Totals
 * @property {number} atMs
 * @property {number} received packets of sound, which nobody sends again
 * @property {number} lost packets of sound that should have come
 * @property {number} receivedBytes
 * @property {number} sentBytes
 * @property {number} decoded video frames
 * @property {number} dropped video frames, for want of time to show them
 * @property {number} shortS seconds in which the picture was held down for want of bandwidth
 * @property {number} busyS the same for want of processor time
 * @property {number | null} rttMs
 * @property {number} answers how often the round trip was measured
 * @property {number} variationMs between the last two measurements
 *
 * @typedef {object} Figures
 * @property {number | null} rttMs to the server
 * @property {number | null} lossPercent to or from the server, whichever is worse
 * @property {number | null} jitterMs
 * @property {number | null} availableKbps what the browser believes it may send; null where it does not say
 * @property {boolean} short the picture was held down for want of bandwidth most of the time
 * @property {boolean} busy this device is too slow for what it has to do
 * @property {number | null} receiveKbps
 * @property {number | null} sendKbps
 * @property {Relay} relay
 * @property {string} dtls state of the DTLS transport
 * @property {string} srtp profile, e.g. AEAD_AES_128_GCM
 * @property {string} codec of the video received
 */

const DROPPED_SHARE = 0.2;
/** Both shares are estimates from a few packets: what may be the other's is not called ours. */
const DOUBT = 2;

/**
 * @param {Map<string, any>} stats
 * @param {number} atMs
 * @param {Totals | null} before null on a connection's first reading
 * @returns {Totals}
 */
export function totalsOf(stats, atMs, before) {
  const sums = { received: 0, lost: 0, receivedBytes: 0, sentBytes: 0, decoded: 0, dropped: 0, shortS: 0, busyS: 0 };
  for (const entry of stats.values()) {
    if (entry.type === 'inbound-rtp') addInbound(sums, entry);
    if (entry.type === 'outbound-rtp') {
      sums.sentBytes += entry.bytesSent ?? 0;
      sums.shortS += entry.qualityLimitationDurations?.bandwidth ?? 0;
      sums.busyS += entry.qualityLimitationDurations?.cpu ?? 0;
    }
  }
  const pair = pairOf(stats);
  const rttMs = toMs(pair?.currentRoundTripTime);
  const answers = pair?.responsesReceived ?? 0;
  const anew = before !== null && before.answers !== answers && before.rttMs !== null && rttMs !== null;
  const variationMs = anew ? Math.abs(rttMs - (before.rttMs ?? 0)) : (before?.variationMs ?? 0);
  return { ...sums, atMs, rttMs, answers, variationMs };
}

/**
 * @param {{ received: number, lost: number, receivedBytes: number, decoded: number, dropped: number }} sums
 * @param {any} entry
 */
function addInbound(sums, entry) {
  sums.receivedBytes += entry.bytesReceived ?? 0;
  sums.decoded += entry.framesDecoded ?? 0;
  sums.dropped += entry.framesDropped ?? 0;
  if (entry.kind !== 'audio') return;
  sums.received += entry.packetsReceived ?? 0;
  sums.lost += Math.max(0, entry.packetsLost ?? 0);
}

/**
 * @param {Map<string, any>} stats
 * @param {Totals} now
 * @param {Totals | null} before
 * @param {Uplinks} uplinks
 * @returns {Figures}
 */
export function figuresOf(stats, now, before, uplinks) {
  const entries = [...stats.values()];
  const transport = entries.find((entry) => entry.type === 'transport');
  const pair = pairOf(stats);
  const audio = entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'audio');
  const video = entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video');
  const jitterMs = toMs(audio?.jitter);
  const elapsedMs = before ? now.atMs - before.atMs : 0;
  return {
    rttMs: now.rttMs,
    lossPercent: ownLoss(inboundLoss(now, before), outboundLoss(entries), uplinks),
    jitterMs: jitterMs === null ? null : Math.min(jitterMs, now.variationMs),
    availableKbps: pair?.availableOutgoingBitrate === undefined ? null : Math.round(pair.availableOutgoingBitrate / 1000),
    short: before !== null && (now.shortS - before.shortS) * 1000 > elapsedMs / 2,
    busy: before !== null && isBusy(now, before, elapsedMs),
    receiveKbps: before ? rate(now.receivedBytes - before.receivedBytes, elapsedMs) : null,
    sendKbps: before ? rate(now.sentBytes - before.sentBytes, elapsedMs) : null,
    relay: relayOf(stats.get(pair?.localCandidateId)),
    dtls: transport?.dtlsState ?? '',
    srtp: transport?.srtpCipher ?? '',
    codec: (stats.get(video?.codecId)?.mimeType ?? '').replace('video/', ''),
  };
}

/** @param {Map<string, any>} stats @returns {any} the way that packets take now */
function pairOf(stats) {
  const entries = [...stats.values()];
  const transport = entries.find((entry) => entry.type === 'transport');
  return stats.get(transport?.selectedCandidatePairId) ?? entries.find((entry) => entry.nominated);
}

/** @param {any} candidate our end of the selected pair @returns {Relay} */
function relayOf(candidate) {
  return candidate?.candidateType === 'relay' ? (candidate.relayProtocol ?? 'udp') : '';
}

/** @param {number | undefined} seconds */
function toMs(seconds) {
  return seconds === undefined ? null : Math.round(seconds * 1000);
}

/**
 * @param {Totals} now
 * @param {Totals} before
 * @param {number} elapsedMs
 */
function isBusy(now, before, elapsedMs) {
  const dropped = now.dropped - before.dropped;
  const share = dropped / Math.max(1, dropped + now.decoded - before.decoded);
  return share > DROPPED_SHARE || (now.busyS - before.busyS) * 1000 > elapsedMs / 2;
}

/**
 * @param {number | null} inbound percent lost from the other browser to this one
 * @param {number | null} outbound percent lost from this browser to the other one
 * @param {Uplinks} uplinks
 */
function ownLoss(inbound, outbound, { own, other }) {
  const down = inbound === null ? null : Math.max(0, inbound - DOUBT * 100 * (other ?? 0));
  const up = own === null ? outbound : 100 * own;
  return down === null && up === null ? null : Math.max(down ?? 0, up ?? 0);
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

/** @param {any[]} entries */
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
