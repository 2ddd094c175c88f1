"""Reports to export: one of a whole consultation, and any number of generated ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from server.model.consultation import Consultation, ConsultationStatus, Participant, Role
from server.model.entities import Assertion, Entity, EntityCategory, Relation, RelationKind
from server.model.insight import Evidence
from server.model.report import Origin, RecordingHash, Report, Section, Signature, Statement, Support
from server.model.transcript import Utterance
from server.web.exports.dossier import Dossier

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BRASILIA = timezone(timedelta(hours=-3))

SAID = (
    ("u1", Role.CLINICIAN, 4.0, 6.0, "O que a senhora está sentindo?"),
    ("u2", Role.PATIENT, 7.0, 12.5, "Tenho dor no peito há três dias, quando subo escada."),
    ("u3", Role.CLINICIAN, 13.0, 15.0, "Tem febre?"),
    ("u4", Role.PATIENT, 15.5, 16.0, "Febre não."),
    ("u5", Role.PATIENT, 723.0, 729.0, "Tomo losartana de cinquenta miligramas de doze em doze horas."),
    ("u6", Role.PATIENT, 741.0, 744.0, "Sou alérgica a dipirona. Tenho pressão alta."),
    ("u7", Role.CLINICIAN, 3605.0, 3611.0, "A pressão está catorze por nove. Vamos pedir um eletrocardiograma."),
)
TEXTS = {one[0]: one[4] for one in SAID}


def utterances() -> tuple[Utterance, ...]:
    return tuple(
        Utterance(id=name, role=role, start_s=start, end_s=end, text=text, language="pt")
        for name, role, start, end, text in SAID
    )


def entity(of: str, category: EntityCategory, text: str, normal: str = "", name: str = "", **more: object) -> Entity:
    start = TEXTS[of].find(text)
    return Entity.model_validate(
        {
            "id": f"{of}-{start}-{category}",
            "utterance_id": of,
            "category": category,
            "text": text,
            "start": max(0, start),
            "end": max(0, start) + len(text),
            "normal": normal or text.lower(),
            "name": name or text.lower(),
            **more,
        }
    )


def evidence(*names: str) -> tuple[Evidence, ...]:
    found = [one for one in SAID if one[0] in names]
    return tuple(Evidence(utterance_id=one[0], quote=one[4], start_s=one[2], end_s=one[3]) for one in found)


def statement(number: int, text: str, of: tuple[str, ...] = (), *entities: Entity, **more: object) -> Statement:
    return Statement.model_validate(
        {
            "id": f"s{number}",
            "text": text,
            "evidence": evidence(*of),
            "entities": entities,
            "support": Support.SUPPORTED,
            **more,
        }
    )


def report(**changes: object) -> Report:
    losartan = entity("u5", EntityCategory.MEDICATION, "losartana", "losartan", "losartana")
    dose = entity(
        "u5", EntityCategory.DOSAGE, "cinquenta miligramas", "50 mg", "50 mg", value=50.0, unit="mg",
        relations=(Relation(kind=RelationKind.DOSAGE_OF, to=losartan.id),),
    )  # fmt: skip
    often = entity(
        "u5", EntityCategory.FREQUENCY, "de doze em doze horas", "every 12 h", "de 12 em 12 h",
        relations=(Relation(kind=RelationKind.FREQUENCY_OF, to=losartan.id),),
    )  # fmt: skip
    pressure = entity("u7", EntityCategory.EXAMINATION, "pressão", "blood pressure", "pressão arterial")
    reading = entity(
        "u7", EntityCategory.MEASUREMENT, "catorze por nove", "140/90 mmHg", "140/90 mmHg",
        relations=(Relation(kind=RelationKind.VALUE_OF, to=pressure.id),),
    )  # fmt: skip
    pain = entity("u2", EntityCategory.SYMPTOM, "dor no peito", "chest pain")
    fever = entity("u4", EntityCategory.SYMPTOM, "Febre", "fever", "febre", assertion=Assertion.NEGATED)
    allergen = entity("u6", EntityCategory.ALLERGEN, "dipirona", "metamizole", "dipirona")
    tension = entity("u6", EntityCategory.DIAGNOSIS, "pressão alta", "hypertension", "hipertensão arterial")
    invented = entity("u6", EntityCategory.DIAGNOSIS, "pressão", "invented", "diabetes inventada")
    whole = Report(
        consultation_id="consultation-one",
        version=2,
        template="soap",
        language="pt",
        title="Consulta: dor no peito",
        created_at=NOW + timedelta(hours=1),
        author="rules",
        sections=(
            Section(
                id="subjective",
                title="Subjetivo",
                code="61150-9",
                statements=(
                    statement(1, "Dor no peito há três dias, ao subir escada.", ("u2",), pain),
                    statement(2, "Nega febre.", ("u4",), fever),
                    statement(3, "Usa losartana 50 mg de 12 em 12 h.", ("u5",), losartan, dose, often),
                    statement(4, "Alergia a dipirona; hipertensão arterial.", ("u6",), allergen, tension),
                ),
            ),
            Section(
                id="objective",
                title="Objetivo",
                code="61149-1",
                statements=(statement(5, "Pressão arterial 140/90 mmHg.", ("u7",), pressure, reading),),
            ),
            Section(
                id="assessment",
                title="Avaliação",
                code="51848-0",
                statements=(
                    statement(
                        6, "Paciente tem diabetes inventada.", ("u6",), invented,
                        support=Support.UNSUPPORTED, doubts=("Nobody said so.",),
                    ),
                    statement(
                        7, "Angina a esclarecer.", support=Support.CONFIRMED, origin=Origin.CLINICIAN,
                        edited_from="Texto anterior.",
                    ),
                ),
            ),
            Section(id="plan", title="Plano", code="18776-5"),
        ),
    )  # fmt: skip
    return whole.model_copy(update=changes)


def signature(**changes: object) -> Signature:
    whole = Signature(
        name="Dra. Ana Conceição",
        identity="ana",
        signed_at=datetime(2026, 3, 1, 11, 30, tzinfo=BRASILIA),
        report_sha256="a" * 64,
        transcript_sha256="b" * 64,
        recordings=(
            RecordingHash(name="clinician.ogg", sha256="c" * 64),
            RecordingHash(name="patient.ogg", sha256="d" * 64),
        ),
        digest="0123456789abcdef" * 4,
    )  # fmt: skip
    return whole.model_copy(update=changes)


def dossier(whole: Report | None = None, **changes: object) -> Dossier:
    return Dossier(
        whole or report(**changes),
        Consultation(
            id="consultation-one",
            title="Dor no peito",
            agent_id="default",
            status=ConsultationStatus.ENDED,
            created_at=NOW,
            opened_at=NOW,
            ended_at=NOW + timedelta(minutes=61),
        ),
        (
            Participant(role=Role.CLINICIAN, identity="ana", name="Dra. Ana Conceição"),
            Participant(role=Role.PATIENT, identity="maria", name="Maria José"),
        ),
        utterances(),
    )


def signed(**changes: object) -> Dossier:
    return dossier(status="signed", signature=signature(), **changes)
