"""A consultation as a page would see it: chest pain, in Portuguese, half a minute in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import jwt
import numpy as np
from aiohttp import web

from server.insight.entities.extract import extract
from server.model.consultation import Agent, Consultation, ConsultationStatus, Role
from server.model.entities import Entity
from server.model.events import (
    ChatSent,
    ConsultationEnded,
    EntitiesFound,
    Event,
    FinalTranscript,
    InterimTranscript,
    TipReady,
)
from server.model.insight import Audience, Evidence, Tip, TipKind
from server.model.recording_events import RecordingFile
from server.model.transcript import Utterance
from server.recording.mix import Mixer
from server.recording.pcm import wav_header
from server.web import messages as m

ID = "0d5c1a52-4f5e-4c7e-9a67-2f1f4f0f7a11"
ROOM_S = 754.0
RECORDED_S = 60.0
NAMES = {Role.CLINICIAN: "Dra. Ana Souza", Role.PATIENT: "Maria de Lourdes"}
TITLE = "Retorno · Cardiologia"
LINES: tuple[tuple[Role, float, str], ...] = (
    (Role.CLINICIAN, 4.0, "Bom dia, Maria. Como você está se sentindo hoje?"),
    (Role.PATIENT, 8.5, "Bom dia, doutora. Desde ontem à noite estou com uma dor no peito."),
    (Role.CLINICIAN, 14.2, "Entendi. Como é essa dor? Ela aperta, queima, é em pontada?"),
    (Role.PATIENT, 19.8, "É um aperto, e ela vai para o braço esquerdo. Também estou suando frio."),
    (Role.CLINICIAN, 27.1, "Você tem falta de ar? A dor piora quando faz esforço?"),
    (Role.PATIENT, 32.4, "Um pouco de falta de ar, sim. Quando subo a escada piora."),
    (Role.CLINICIAN, 38.0, "Você toma algum remédio? Tem alergia a algum medicamento?"),
    (Role.PATIENT, 43.6, "Tomo losartana de manhã. Acho que tenho alergia a dipirona."),
)
FINAL_TEXTS = {1: "Bom dia, doutora. Desde anteontem à noite <b>estou</b> com dor no peito."}
"""What the second pass read otherwise."""
SECOND_PASS: web.AppKey[list[str]] = web.AppKey("second_pass", list)


def consultation() -> Consultation:
    """Return the consultation."""
    now = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
    return Consultation(
        id=ID, title=TITLE, language="pt", agent_id="default", status=ConsultationStatus.LIVE, created_at=now
    )


def detail(consent_mode: str, voices_go_to: str | None) -> dict[str, Any]:
    """Return what GET /api/consultations/{id} answers."""
    return {
        **consultation().model_dump(mode="json"),
        "live": True,
        "participants": [_participant(role) for role in Role],
        "consent_mode": consent_mode,
        "voices_go_to": voices_go_to,
    }


def _participant(role: Role) -> dict[str, Any]:
    return {"role": role, "identity": f"{role}-1", "name": NAMES[role], "consent": True, "present_s": ROOM_S}


def seat(role: Role, **changes: Any) -> m.Seat:
    """Return a seat whose occupant is well connected."""
    fields = {"connection": "connected", "consent": True, "microphone": True, "camera": True, "screen": False}
    return m.Seat(role=role, identity=f"{role}-1", name=NAMES[role], **{**fields, **changes})


def welcome(
    role: Role, join: dict[str, Any], consent_mode: Literal["ask", "external"], sequence: int, *, with_peer: bool
) -> m.Welcome:
    """Return the welcome of a call that both take part in, or of one that still waits."""
    seats = [seat(role, connection="connecting", consent=join["consent"])]
    if with_peer:
        seats.append(seat(role.other))
    return m.Welcome(
        role=role,
        identity=f"{role}-1",
        name=join["name"] or NAMES[role],
        consultation=consultation(),
        seats=tuple(seats),
        room_s=ROOM_S,
        recording=with_peer and join["consent"] is not False,
        consent_mode=consent_mode,
        ice_servers=(),
        heartbeat_s=5.0,
        grace_s=60.0,
        sequence=sequence,
    )


def final(number: int) -> FinalTranscript:
    """Return line `number` as it was settled."""
    role, start_s, text = LINES[number]
    return FinalTranscript(
        at_s=start_s + 4,
        utterance=Utterance(id=f"u{number}", role=role, start_s=start_s, end_s=start_s + 3.5, text=text, language="pt"),
    )


@cache
def named(edition: str) -> tuple[Entity, ...]:
    """Return what an edition of the transcript names, each as it stands last."""
    said = spoken(edition)
    found = {one.id: one for i, spoken in enumerate(said) for one in extract(spoken, said[max(0, i - 3) : i])}
    return tuple(found.values())


def found(number: int) -> tuple[EntitiesFound, ...]:
    """Return what line `number` names and settles as it is said, if anything."""
    said = spoken("live")
    entities = extract(said[number], said[max(0, number - 3) : number])
    at_s, line = LINES[number][1] + 4, f"u{number}"
    return (EntitiesFound(at_s=at_s, utterance_id=line, entities=entities, provider="rules"),) if entities else ()


def ended() -> ConsultationEnded:
    """Return the end of the call."""
    return ConsultationEnded(at_s=ROOM_S, reason="ended_by_clinician", by=Role.CLINICIAN)


def interim(text: str, settled: int, *, start_s: float = 48.0) -> InterimTranscript:
    """Return what the clinician seems to be saying."""
    return InterimTranscript(
        at_s=start_s + 1,
        utterance_id="u-now",
        role=Role.CLINICIAN,
        start_s=start_s,
        end_s=start_s + 1,
        text=text,
        settled_chars=settled,
        language="pt",
    )


def tip(tip_id: str, text: str, *, at_s: float = 40.0, **fields: Any) -> TipReady:
    """Return a tip for the clinician."""
    merged = {"kind": TipKind.TIP, "audience": Audience.CLINICIAN, **fields}
    return TipReady(at_s=at_s, tip=Tip(id=tip_id, text=text, **merged))


def explanation() -> TipReady:
    """Return what the clinician may send to the patient."""
    text = "O eletrocardiograma registra os batimentos do coração com adesivos na pele. Não dói e leva poucos minutos."
    cited = (Evidence(utterance_id="u4", quote="A dor piora quando faz esforço?"),)
    return tip("t4", text, kind=TipKind.EXPLANATION, subject="explanation.ecg", evidence=cited)


def answer(question_id: str, question: str) -> TipReady:
    """Return what was said to a question."""
    text = "O paciente disse: “Tomo losartana de manhã. Acho que tenho alergia a dipirona.”"
    cited = (Evidence(utterance_id="u7", quote="Tomo losartana de manhã. Acho que tenho alergia a dipirona."),)
    more = {"question_id": question_id, "question": question}
    return tip("t5", text, at_s=ROOM_S + 2, kind=TipKind.ANSWER, evidence=cited, **more)


def agents() -> dict[str, Any]:
    """Return what the server knows of agents."""
    known = (
        Agent(id="default", name="Escuta"),
        Agent(id="cardio", name="Cardiologia", max_calls=50),
    )
    return {one.id: one.model_dump(mode="json") for one in known}


def chat(role: Role, text: str, message_id: str) -> ChatSent:
    """Return a chat message."""
    return ChatSent(at_s=ROOM_S - 20, message_id=message_id, role=role, name=NAMES[role], text=text)


def call() -> tuple[Event, ...]:
    """Return the events of the call so far, as the clinician sees them."""
    red_flag = Evidence(utterance_id="u3", quote="ela vai para o braço esquerdo", start_s=19.8, end_s=23.3)
    return (
        *(event for number in range(len(LINES)) for event in (final(number), *found(number))),
        tip(
            "t1",
            "Dor em aperto que irradia para o braço esquerdo, com sudorese: sinal de alerta de síndrome coronariana "
            "aguda. Pergunte há quanto tempo dura e considere encaminhar à emergência.",
            urgent=True,
            kind=TipKind.ACTION,
            subject="red_flag.acute_coronary",
            evidence=(red_flag,),
        ),
        tip(
            "t2",
            "A paciente não tem certeza da alergia a dipirona: confirme qual foi a reação.",
            subject="question.allergies",
            evidence=(Evidence(utterance_id="u7", quote="Acho que tenho alergia a dipirona"),),
        ),
        tip("t3", "Pergunte sobre uso de anticoagulantes.", kind=TipKind.ANSWER, subject="question.medication"),
        chat(Role.PATIENT, "Doutora, mandei a foto da receita por e-mail.", "c1"),
        chat(Role.CLINICIAN, "Obrigada, Maria. Vou olhar agora.", "c2"),
        interim("Vou pedir que você fique sentada e", 23),
    )


def stored(events: Sequence[Event]) -> dict[str, Any]:
    """Return what GET …/tips and …/chat answer after `events`."""
    tips = [{"tip": one.tip.model_dump(mode="json"), "mark": None} for one in events if isinstance(one, TipReady)]
    messages = [one.model_dump(mode="json") for one in events if isinstance(one, ChatSent)]
    return {
        "tips": {"consultation_id": ID, "tips": tips},
        "chat": {"consultation_id": ID, "messages": messages},
    }


async def entities(request: web.Request) -> web.Response:
    """Answer GET …/entities, to the clinician alone."""
    claims = jwt.decode(request.headers["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})
    if claims["role"] != "clinician":
        return web.json_response({"error": {"code": "forbidden", "message": "No."}}, status=403)
    edition = request.query["edition"]
    found = [one.model_dump(mode="json") for one in named(edition)]
    return web.json_response({"consultation_id": ID, "edition": edition, "entities": found})


def spoken(edition: str) -> list[Utterance]:
    """Return an edition of the transcript."""
    texts = FINAL_TEXTS if edition == "final" else {}
    return [
        final(number).utterance.model_copy(
            update={"id": f"f{number}", "text": texts[number]} if number in texts else {}
        )
        for number in range(len(LINES))
    ]


async def transcript(request: web.Request) -> web.Response:
    """Answer GET …/transcript."""
    if request.query.get("format", "json") != "json":
        return web.Response(text="Dra. Ana: Bom dia.")
    state, edition = request.app.get(SECOND_PASS, ["none"])[0], request.query.get("edition", "live")
    utterances = [one.model_dump(mode="json") for one in spoken(edition)]
    answer = {"consultation_id": ID, "edition": edition, "second_pass": state, "language": "pt"}
    return web.json_response(answer | {"utterances": utterances})


def recordings(state: str, progress: float, *, mixed: bool) -> dict[str, Any]:
    """Return what GET …/recordings answers."""
    roles = (*Role, None) if mixed else tuple(Role)
    files = [
        RecordingFile(
            name=f"{role or 'mixed'}.{kind}",
            role=role,
            format=kind,
            start_s=0.0,
            duration_s=RECORDED_S,
            size_bytes=size,
            sha256="0" * 64,
        ).model_dump(mode="json")
        for role in roles
        for kind, size in (("ogg", 3_120_000), ("wav", 72_400_000))
        if role or kind == "ogg"
    ]
    listed = files if state == "ready" else []
    return {"consultation_id": ID, "state": state, "progress": progress, "files": listed}


def peaks() -> dict[str, Any]:
    """Return what GET …/recordings/peaks.json answers."""
    values = {role.value: [2] * round(RECORDED_S * 10) for role in Role}
    for role, start_s, _ in LINES:
        for tenth in range(36):
            values[role.value][round(start_s * 10) + tenth] = 20 + 37 * tenth % 90
    return {"version": 1, "duration_s": RECORDED_S, "peaks_per_s": 10, "loudest": 127, "peaks": values}


@cache
def sound(name: str) -> bytes:
    """Return a recording: a tone for each voice where it speaks, the clinician's left and the patient's right."""
    samples = {role: np.zeros(round(RECORDED_S * 48_000), dtype=np.int16) for role in Role}
    for role, start_s, _ in LINES:
        begin, length = round(start_s * 48_000), round(3.5 * 48_000)
        tone = 6_000 * np.sin(np.arange(length) * (0.03 if role is Role.CLINICIAN else 0.05))
        samples[role][begin : begin + length] = tone.astype(np.int16)
    if name.endswith(".wav"):
        return wav_header(len(samples[Role.PATIENT])) + samples[Role.PATIENT].tobytes()
    written: list[bytes] = []
    mixer = Mixer(written.append, ID)
    one = None if name == "mixed.ogg" else samples[Role(name.removesuffix(".ogg"))]
    left, right = (one, one) if one is not None else (samples[Role.CLINICIAN], samples[Role.PATIENT])
    for begin in range(0, len(left), 48_000):
        mixer.add(left[begin : begin + 48_000], right[begin : begin + 48_000])
    mixer.close()
    return b"".join(written)
