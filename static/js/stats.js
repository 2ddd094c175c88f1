/** What getStats says of a connection, reduced to the figures that a verdict needs. Pure. */

/**
 * @typedef {'' | 'udp' | 'tcp' | 'tls'} Relay how the relay is reached; '' without one
 * @typedef {object} Totals
 * @property {number} atMs
 * @property {number} received packets
 * @property {number} lost packets that should have come
 * @property {number} receivedBytes
 * @property {number} sentBytes
 * @property {number} decoded video frames
 * @property {number} dropped video frames, for want of time to show them
 * @property {number} shortS seconds in which the picture was held down for want of bandwidth
 * @property {number} busyS the same for want of processor time
 *
 * @typedef {object} Figures
 * @property {number | null} rttMs to the server
 * @property {number | null} lossPercent the worse of both directions
 * @property {number | null} jitterMs of the sound received
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

/**
 * @param {Iterable<any>} entries
 * @param {number} atMs
 * @returns {Totals}
 */
export function totalsOf(entries, atMs) {
  const totals = { atMs, received: 0, lost: 0, receivedBytes: 0, sentBytes: 0, decoded: 0, dropped: 0, shortS: 0, busyS: 0 };
  for (const entry of entries) {
    if (entry.type === 'inbound-rtp') {
      totals.received += entry.packetsReceived ?? 0;
      totals.lost += Math.max(0, entry.packetsLost ?? 0);
      totals.receivedBytes += entry.bytesReceived ?? 0;
      totals.decoded += entry.framesDecoded ?? 0;
      totals.dropped += entry.framesDropped ?? 0;
    } else if (entry.type === 'outbound-rtp') {
      totals.sentBytes += entry.bytesSent ?? 0;
      totals.shortS += entry.qualityLimitationDurations?.bandwidth ?? 0;
      totals.busyS += entry.qualityLimitationDurations?.cpu ?? 0;
    }
  }
  return totals;
}

/**
 * @param {Map<string, any>} stats
 * @param {Totals} now
 * @param {Totals | null} before null on a connection's first reading
 * @returns {Figures}
 */
export function figuresOf(stats, now, before) {
  const entries = [...stats.values()];
  const transport = entries.find((entry) => entry.type === 'transport');
  const pair = stats.get(transport?.selectedCandidatePairId) ?? entries.find((entry) => entry.nominated);
  const audio = entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'audio');
  const video = entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video');
  const losses = [inboundLoss(now, before), outboundLoss(entries)].filter((loss) => loss !== null);
  const elapsedMs = before ? now.atMs - before.atMs : 0;
  return {
    rttMs: toMs(pair?.currentRoundTripTime),
    lossPercent: losses.length ? Math.max(...losses) : null,
    jitterMs: toMs(audio?.jitter),
    availableKbps: pair?.availableOutgoingBitrate === undefined ? null : Math.round(pair.availableOutgoingBitrate / 1000),
    short: before !== null && (now.shortS - before.shortS) * 1000 > elapsedMs / 2,
    busy: before !== null && isBusy(now, before, elapsedMs),
    receiveKbps: before ? rate(now.receivedBytes - before.receivedBytes, elapsedMs) : null,
    sendKbps: before ? rate(now.sentBytes - before.sentBytes, elapsedMs) : null,
    relay: relayOf(stats.get(pair?.localCandidateId)),
    dtls: transport?.dtlsState ?? '',
    srtp: (transport?.srtpCipher ?? '').replace(/^SRTP_/, ''),
    codec: (stats.get(video?.codecId)?.mimeType ?? '').replace('video/', ''),
  };
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
