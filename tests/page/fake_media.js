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
    return new Map([
      ['T', { type: 'transport', dtlsState: 'connected', srtpCipher: 'AEAD_AES_128_GCM', selectedCandidatePairId: 'P' }],
      ['P', { type: 'candidate-pair', nominated: true, currentRoundTripTime: window.fakeMedia.rttS }],
      ['V', { type: 'inbound-rtp', kind: 'video', packetsReceived: performance.now(), packetsLost: 0, bytesReceived: performance.now() * 150, codecId: 'C' }],
      ['O', { type: 'outbound-rtp', kind: 'video', bytesSent: performance.now() * 140 }],
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
