// Stands in for RTCPeerConnection in tests of the page alone: connects at once and plays a moving picture back.
// Statistics are those of a good call; `window.fakeMedia` lets a test break it.

class FakePeerConnection extends EventTarget {
  constructor() {
    super();
    this.connectionState = 'new';
    this.signalingState = 'stable';
    this.localDescription = null;
    window.fakeMedia.connections.push(this);
  }

  addTransceiver() {
    return { sender: { replaceTrack: async () => {} }, setCodecPreferences() {} };
  }

  async createOffer() {
    return { type: 'offer', sdp: 'fake' };
  }

  async setLocalDescription(description) {
    this.localDescription = description;
    this.signalingState = 'have-local-offer';
  }

  async setRemoteDescription() {
    this.signalingState = 'stable';
    const track = window.fakeMedia.picture();
    this.dispatchEvent(Object.assign(new Event('track'), { track }));
    setTimeout(() => this.become('connected'), 20);
  }

  become(state) {
    if (this.connectionState === 'closed') return;
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  async getStats() {
    const { rttS, jitterS, lossShare, availableBps, short, relay } = window.fakeMedia;
    const nowMs = performance.now();
    const passedMs = nowMs - (this.readMs ?? nowMs);
    this.readMs = nowMs;
    this.lost = (this.lost ?? 0) + ((passedMs / 20) * lossShare) / (1 - lossShare);
    this.shortS = (this.shortS ?? 0) + (short ? passedMs / 1000 : 0);
    return new Map([
      ['T', { type: 'transport', dtlsState: 'connected', srtpCipher: 'AEAD_AES_128_GCM', selectedCandidatePairId: 'P' }],
      ['P', { type: 'candidate-pair', nominated: true, currentRoundTripTime: rttS, availableOutgoingBitrate: availableBps, localCandidateId: 'L' }],
      ['L', { type: 'local-candidate', ...(relay ? { candidateType: 'relay', relayProtocol: relay } : { candidateType: 'host' }) }],
      ['A', { type: 'inbound-rtp', kind: 'audio', packetsReceived: nowMs / 20, packetsLost: this.lost, jitter: jitterS }],
      ['V', { type: 'inbound-rtp', kind: 'video', packetsReceived: nowMs, packetsLost: 0, bytesReceived: nowMs * 150, codecId: 'C' }],
      ['O', { type: 'outbound-rtp', kind: 'video', bytesSent: nowMs * 140, qualityLimitationDurations: { bandwidth: this.shortS, cpu: 0 } }],
      ['C', { type: 'codec', mimeType: 'video/VP8' }],
    ]);
  }

  close() {
    this.connectionState = 'closed';
  }
}

window.fakeMedia = {
  connections: [],
  rttS: 0.024,
  jitterS: 0.004,
  lossShare: 0,
  availableBps: 2_500_000,
  short: false,
  relay: '',
  picture() {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [640, 480];
    const brush = canvas.getContext('2d');
    const draw = () => {
      const glow = brush.createRadialGradient(320, 200, 40, 320, 260, 420);
      glow.addColorStop(0, '#7d9c94');
      glow.addColorStop(1, '#22332f');
      brush.fillStyle = glow;
      brush.fillRect(0, 0, 640, 480);
      brush.fillStyle = '#d9c1ae';
      brush.beginPath();
      brush.ellipse(320, 205 + 3 * Math.sin(performance.now() / 700), 78, 98, 0, 0, 7);
      brush.fill();
      brush.fillStyle = '#44615a';
      brush.beginPath();
      brush.ellipse(320, 480, 190, 165, 0, 0, 7);
      brush.fill();
    };
    draw();
    setInterval(draw, 100);
    return canvas.captureStream(10).getVideoTracks()[0];
  },
};
window.RTCPeerConnection = FakePeerConnection;
