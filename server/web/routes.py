"""Every URL on one page: method, path, who may call, what answers."""

from __future__ import annotations

from dataclasses import dataclass

from . import (
    advice,
    agents,
    consultations,
    entities,
    listening,
    recordings,
    report_exports,
    reports,
    static,
    system,
    transcripts,
)
from .access import (
    ANYONE,
    LISTENER,
    SERVICE,
    SERVICE_OR_CLINICIAN,
    SERVICE_OR_LOOPBACK,
    SERVICE_OR_PARTICIPANT,
    Access,
)
from .keys import Handler


@dataclass(frozen=True, slots=True)
class Route:
    """One URL. Participants reach the `{consultation_id}` their token names and no other."""

    method: str
    path: str
    access: Access
    handler: Handler
    summary: str

    @property
    def is_socket(self) -> bool:
        """Whether it is upgraded to a WebSocket."""
        return self.handler is system.open_socket


ONE = "/api/consultations/{consultation_id}"

API_ROUTES = (
    Route("POST", "/api/consultations", SERVICE, consultations.create_consultation, "Create a consultation"),
    Route("GET", "/api/consultations", SERVICE, consultations.list_consultations, "List consultations"),
    Route("GET", ONE, SERVICE_OR_PARTICIPANT, consultations.read_consultation, "Read a consultation"),
    Route("POST", f"{ONE}/end", SERVICE_OR_CLINICIAN, consultations.end_consultation, "End a consultation"),
    Route("POST", f"{ONE}/tokens", SERVICE, consultations.issue_token, "Issue a join token"),
    Route("GET", f"{ONE}/transcript", SERVICE_OR_PARTICIPANT, transcripts.read_transcript, "Read the transcript"),
    Route("GET", f"{ONE}/entities", SERVICE_OR_CLINICIAN, entities.list_entities, "List what was named"),
    Route("GET", f"{ONE}/tips", SERVICE_OR_PARTICIPANT, transcripts.list_tips, "List the tips"),
    Route("GET", f"{ONE}/context", SERVICE_OR_CLINICIAN, advice.read_context, "Read what the agent knows beforehand"),
    Route("PUT", f"{ONE}/context", SERVICE_OR_CLINICIAN, advice.save_context, "Tell the agent something beforehand"),
    Route("GET", f"{ONE}/interactions", SERVICE_OR_CLINICIAN, advice.list_interactions, "List who advised, and how"),
    Route("GET", f"{ONE}/chat", SERVICE_OR_PARTICIPANT, transcripts.list_chat, "List the chat messages"),
    Route("GET", f"{ONE}/activity", SERVICE_OR_CLINICIAN, transcripts.list_activity, "List the activity log"),
    Route("GET", f"{ONE}/report.{{form}}", SERVICE_OR_CLINICIAN, report_exports.export_report, "Download the report"),
    Route("GET", f"{ONE}/recordings", SERVICE_OR_CLINICIAN, recordings.list_recordings, "List the recordings"),
    Route("GET", f"{ONE}/recordings/peaks.json", SERVICE_OR_CLINICIAN, recordings.read_peaks, "Read waveform peaks"),
    Route("POST", f"{ONE}/listening", SERVICE_OR_CLINICIAN, listening.allow_listening, "Let a browser play"),
    Route("GET", f"{ONE}/recordings/{{name}}", LISTENER, recordings.read_recording, "Download a recording"),
    Route("GET", f"{ONE}/report", SERVICE_OR_CLINICIAN, reports.read_report, "Read the report"),
    Route("GET", f"{ONE}/report/versions", SERVICE_OR_CLINICIAN, reports.list_reports, "List the report's versions"),
    Route("POST", f"{ONE}/report/drafts", SERVICE_OR_CLINICIAN, reports.draft_report, "Draft the report anew"),
    Route("POST", f"{ONE}/report/changes", SERVICE_OR_CLINICIAN, reports.change_report, "Change the report"),
    Route("POST", f"{ONE}/report/signature", SERVICE_OR_CLINICIAN, reports.sign_report, "Sign the report"),
    Route("GET", f"{ONE}/report/verification", SERVICE_OR_CLINICIAN, reports.verify_report, "Verify the signature"),
    Route("GET", "/api/agents", SERVICE, agents.list_agents, "List agents"),
    Route("GET", "/api/agents/{agent_id}", SERVICE, agents.read_agent, "Read an agent"),
    Route("PUT", "/api/agents/{agent_id}", SERVICE, agents.save_agent, "Create or replace an agent"),
    Route("GET", "/api/openapi.json", ANYONE, system.read_openapi, "Read the OpenAPI document"),
    Route("GET", "/healthz", ANYONE, system.read_health, "Tell whether the server answers"),
    Route("GET", "/metrics", SERVICE_OR_LOOPBACK, system.read_metrics, "Read the metrics"),
)

# The socket's first message carries the token; see docs/protocol.md.
PAGE_ROUTES = (
    Route("GET", "/", ANYONE, static.serve_page, "The page"),
    Route("GET", "/join", ANYONE, static.serve_page, "The page, as join links open it"),
    Route("GET", "/agents", ANYONE, static.serve_page, "The page, as the owner opens it to edit agents"),
    Route("GET", "/static/{path:.+}", ANYONE, static.serve_asset, "What the page is made of"),
    Route("GET", "/ws", ANYONE, system.open_socket, "The signaling socket"),
)

ROUTES = API_ROUTES + PAGE_ROUTES
