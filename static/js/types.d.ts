/** The socket's messages and the events they carry, as server/web/messages.py and server/model/ define them. */

export type Role = 'clinician' | 'patient';
export type ConnectionState = 'connecting' | 'connected' | 'unstable' | 'lost';
export type Bars = 1 | 2 | 3 | 4;
export type Sidecar = 'recording' | 'speech' | 'entities' | 'tips' | 'storage' | 'live';
export type SidecarState = 'ok' | 'starting' | 'delayed' | 'failing';
export type TipKind = 'tip' | 'red_flag' | 'question' | 'action' | 'answer' | 'explanation';
export type TipMark = 'useful' | 'dismissed' | 'done';
export type Audience = 'clinician' | 'patient' | 'all';
export type ConsentMode = 'ask' | 'external';

export interface Word {
  text: string;
  start_s: number;
  end_s: number;
  probability: number;
}

export type Edition = 'live' | 'final';

export interface Transcript {
  edition: Edition;
  second_pass: 'none' | 'waiting' | 'done' | 'partial' | 'failed';
  utterances: Utterance[];
}

export interface Utterance {
  id: string;
  role: Role;
  start_s: number;
  end_s: number;
  text: string;
  words: Word[];
  language: string;
  provider: string;
}

export interface Evidence {
  utterance_id: string;
  quote: string;
  start_s: number;
  end_s: number;
}

export interface Tip {
  id: string;
  kind: TipKind;
  audience: Audience;
  text: string;
  urgent: boolean;
  subject: string;
  evidence: Evidence[];
  model: string;
  latency_s: number;
  question_id: string;
  question: string;
}

export interface Statement {
  id: string;
  text: string;
  evidence: Evidence[];
  support: 'supported' | 'unsupported' | 'confirmed';
  doubts: string[];
  origin: 'rules' | 'model' | 'clinician';
  edited_from: string;
}

export interface ReportSection {
  id: string;
  title: string;
  statements: Statement[];
}

export interface Report {
  consultation_id: string;
  version: number;
  template: string;
  language: 'pt' | 'en' | 'auto';
  edition: Edition;
  title: string;
  sections: ReportSection[];
  status: 'draft' | 'signed';
  created_at: string;
  author: string;
  model: string;
  signature: { name: string; signed_at: string; digest: string; recordings: { name: string }[] } | null;
}

export interface ReportVersion {
  version: number;
  template: string;
  title: string;
  status: 'draft' | 'signed';
  created_at: string;
  author: string;
  model: string;
  signed_by: string | null;
}

export interface ReportList {
  writing: boolean;
  templates: { id: string; title: string }[];
  versions: ReportVersion[];
}

export interface ReportVerification {
  version: number;
  intact: boolean;
  parts: { part: 'signature' | 'report' | 'transcript' | 'recording'; name: string; state: 'intact' | 'changed' | 'missing' }[];
}

export type ReportChange =
  | { kind: 'edit'; statement_id: string; text: string }
  | { kind: 'confirm'; statement_id: string; confirmed: boolean }
  | { kind: 'remove'; statement_id: string }
  | { kind: 'add'; section_id: string; text: string };

export interface RecordingFile {
  name: string;
  role: Role | null;
  format: 'ogg' | 'wav';
  start_s: number;
  duration_s: number;
  size_bytes: number;
  sha256: string;
}

export interface RecordingList {
  consultation_id: string;
  state: 'none' | 'recording' | 'finalizing' | 'ready' | 'failed';
  progress: number;
  files: RecordingFile[];
}

export interface RecordingPeaks {
  version: 1;
  duration_s: number;
  peaks_per_s: number;
  loudest: number;
  peaks: { [role in Role]?: number[] };
}

export interface Consultation {
  id: string;
  title: string;
  language: string;
  agent_id: string;
  status: 'scheduled' | 'live' | 'ended';
  created_at: string;
  opened_at: string | null;
  ended_at: string | null;
  end_reason: string | null;
}

export interface ConsultationDetail extends Consultation {
  consent_mode?: ConsentMode;
  voices_go_to?: string | null;
  participants?: { role: Role; name: string }[];
}

export interface Seat {
  role: Role;
  identity: string;
  name: string;
  connection: ConnectionState;
  bars: Bars | null;
  kept_until_s: number | null;
  consent: boolean | null;
  microphone: boolean;
  camera: boolean;
  screen: boolean;
}

interface InRoom { at_s: number }

export interface ConsultationOpened extends InRoom { type: 'consultation_opened'; opened_at: string }
export interface ParticipantJoined extends InRoom {
  type: 'participant_joined';
  role: Role;
  identity: string;
  name: string;
  returned: boolean;
}
export interface ParticipantLeft extends InRoom {
  type: 'participant_left';
  role: Role;
  reason: 'left' | 'grace_expired' | 'ended';
}
export interface ConnectionChanged extends InRoom {
  type: 'connection_changed';
  role: Role;
  state: ConnectionState;
}
export interface QualityChanged extends InRoom {
  type: 'quality_changed';
  role: Role;
  bars: Bars;
}
export interface ParticipantAway extends InRoom {
  type: 'participant_away';
  role: Role;
  kept_until_s: number;
}
export interface MediaChanged extends InRoom {
  type: 'media_changed';
  role: Role;
  microphone: boolean;
  camera: boolean;
  screen: boolean;
}
export interface ConsentChanged extends InRoom {
  type: 'consent_changed';
  role: Role;
  granted: boolean;
  mode: ConsentMode;
}
export interface RecordingStarted extends InRoom { type: 'recording_started' }
export interface RecordingStopped extends InRoom {
  type: 'recording_stopped';
  reason: 'consultation_ended' | 'consent_withdrawn' | 'disk_full' | 'failed';
}
export interface RecordingRefused extends InRoom {
  type: 'recording_refused';
  reason: 'disk_full' | 'failed';
  message: string;
}
export interface DiskLow extends InRoom {
  type: 'disk_low';
  free_mb: number;
}
export interface RecordingFinalized extends InRoom {
  type: 'recording_finalized';
  files: RecordingFile[];
}
export interface InterimTranscript extends InRoom {
  type: 'interim_transcript';
  utterance_id: string;
  role: Role;
  start_s: number;
  end_s: number;
  text: string;
  settled_chars: number;
  language: string;
}
export interface FinalTranscript extends InRoom {
  type: 'final_transcript';
  utterance: Utterance;
}
export interface AudioGap extends InRoom {
  type: 'audio_gap';
  role: Role;
  start_s: number;
  end_s: number;
}
export interface ChatSent extends InRoom {
  type: 'chat_sent';
  message_id: string;
  role: Role;
  name: string;
  text: string;
}
export interface TipReady extends InRoom { type: 'tip_ready'; tip: Tip }
export interface TipMarked extends InRoom {
  type: 'tip_marked';
  tip_id: string;
  audience: Audience;
  mark: TipMark;
  role: Role;
}
export interface TipReleased extends InRoom { type: 'tip_released'; tip: Tip }
export interface QuestionAsked extends InRoom { type: 'question_asked'; question_id: string; text: string }
export interface BudgetSpent extends InRoom { type: 'budget_spent'; calls: number; tokens: number }
export interface ReportReady extends InRoom {
  type: 'report_ready';
  version: number;
  template: string;
  statements: number;
  unsupported: number;
  model: string;
}
export interface SidecarStateChanged extends InRoom {
  type: 'sidecar_state_changed';
  sidecar: Sidecar;
  state: SidecarState;
  detail: string;
}
export interface SidecarFailed extends InRoom {
  type: 'sidecar_failed';
  sidecar: Sidecar;
  detail: string;
}
export interface ConsultationEnded extends InRoom {
  type: 'consultation_ended';
  reason: 'ended_by_clinician' | 'ended_by_api' | 'idle' | 'max_duration' | 'server_stopped' | 'abandoned';
  by: Role | null;
}

export type RoomEvent =
  | ConsultationOpened | ParticipantJoined | ParticipantLeft | ConnectionChanged | QualityChanged | ParticipantAway | MediaChanged | ConsentChanged
  | RecordingStarted | RecordingStopped | RecordingRefused | DiskLow | RecordingFinalized
  | TipReleased | QuestionAsked | BudgetSpent
  | InterimTranscript | FinalTranscript | import('./entity-types.js').EntitiesFound | AudioGap | ChatSent | TipReady | TipMarked | ReportReady
  | SidecarStateChanged | SidecarFailed | ConsultationEnded;

export interface Welcome {
  type: 'welcome';
  v: 1;
  role: Role;
  identity: string;
  name: string;
  consultation: Consultation;
  seats: Seat[];
  room_s: number;
  recording: boolean;
  consent_mode: ConsentMode;
  voices_go_to: string | null;
  ice_servers: { urls: string[]; username: string | null; credential: string | null }[];
  heartbeat_s: number;
  grace_s: number;
  sequence: number;
}
export interface Answer {
  type: 'answer';
  connection: number;
  sdp: string;
}
export interface EventMessage {
  type: 'event';
  sequence: number;
  event: RoomEvent;
}
export interface ErrorMessage {
  type: 'error';
  code: string;
  message: string;
}
export interface Replaced { type: 'replaced' }
export interface Pong {
  type: 'pong';
  t: number;
  room_s: number;
  own_loss: number | null;
  other_loss: number | null;
}
export type ServerMessage = Welcome | Answer | EventMessage | ErrorMessage | Replaced | Pong;

export type ClientMessage =
  | { type: 'join'; v: 1; token: string; name: string | null; consent: boolean | null; after: number }
  | { type: 'offer'; connection: number; sdp: string }
  | { type: 'candidate'; connection: number; candidate: string; sdp_mid: string | null; sdp_m_line_index: number | null }
  | { type: 'media'; microphone: boolean; camera: boolean; screen: boolean }
  | { type: 'quality'; bars: Bars }
  | { type: 'consent'; granted: boolean }
  | { type: 'chat'; message_id: string; text: string }
  | { type: 'mark_tip'; tip_id: string; mark: TipMark }
  | { type: 'release_tip'; tip_id: string }
  | { type: 'ask'; question_id: string; text: string }
  | { type: 'leave' }
  | { type: 'end' }
  | { type: 'ping'; t: number };
