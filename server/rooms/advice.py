"""Advice in a room: feeds what is said to the advisor, keeps what it gave, and decides who gets it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import structlog

from ..insight.advisor import Advisor
from ..insight.background import Background, LookedUp, Person, Subject
from ..model.advice_events import BudgetSpent, Interaction, InteractionLogged, QuestionAsked, TipReleased
from ..model.bus import EventBus
from ..model.consultation import Agent, Consultation, Role
from ..model.errors import EscutaError, Forbidden, NotFound, Unavailable
from ..model.events import FinalTranscript, SidecarFailed, SidecarState, SidecarStateChanged, TipMarked, TipReady
from ..model.insight import Audience, Tip, TipKind, TipMark
from ..model.transcript import Utterance
from .capture import Host
from .services import RoomServices

log = structlog.get_logger()


class Advice:
    """One room's advice. What an advisor gives is the clinician's, until the clinician releases it."""

    def __init__(
        self, services: RoomServices, agent: Agent, consultation: Consultation, host: Host, context: str = ""
    ) -> None:
        self.fault: SidecarFailed | None = None
        """Why there is no advice, if there can be none."""
        self._services = services
        self._agent = agent
        self._consultation = consultation
        self._host = host
        self._context = context
        self._people: dict[Role, tuple[str, str]] = {}
        self._looked_up = LookedUp()
        self._asked_about: Subject | None = None
        self._tips: dict[str, Tip] = {}
        self._questions: set[str] = set()
        self._advisor = self._created()
        self._tell_background()

    async def listen(self, bus: EventBus) -> None:
        """Hand every final transcript to the advisor until the bus closes."""
        with bus.subscribe(FinalTranscript) as finals:
            async for event in finals:
                if isinstance(event, FinalTranscript) and self._advisor is not None:
                    self._advisor.heard(event.utterance)

    async def run(self) -> None:
        """Let the advisor think until it is closed."""
        if self._advisor is not None:
            await self._advisor.run()

    async def close(self) -> None:
        """End the advisor."""
        if self._advisor is not None:
            await self._advisor.close()

    def restore(
        self,
        utterances: Sequence[Utterance],
        tips: Sequence[tuple[Tip, TipMark | None]],
        interactions: Sequence[Interaction] = (),
    ) -> None:
        """Take over what was said, advised and spent in the room's earlier life."""
        self._tips.update((tip.id, tip) for tip, _ in tips)
        self._questions.update(tip.question_id for tip, _ in tips if tip.question_id)
        if self._advisor is None:
            return
        self._advisor.restore(utterances, [tip for tip, _ in tips], interactions)
        for tip, mark in tips:
            if mark is TipMark.DISMISSED:
                self._advisor.marked(tip, mark)

    def met(self, role: Role, identity: str, name: str) -> None:
        """Note who sits where, and ask the agent's sources about them."""
        self._people[role] = (identity, name)
        self._tell_background()
        subject = Subject(
            self._consultation.id,
            patient=self._people.get(Role.PATIENT, ("", ""))[0],
            clinician=self._people.get(Role.CLINICIAN, ("", ""))[0],
        )
        if self._agent.sources and self._advisor is not None and subject != self._asked_about:
            self._asked_about = subject
            self._host.aside(self._look_up(subject))

    def mark(self, role: Role, tip_id: str, mark: TipMark) -> None:
        """Note what the clinician did with a tip.

        Raises:
            NotFound: If there is no such tip.
            Forbidden: If it is the patient who marks.
        """
        tip = self._of_clinician(role, tip_id)
        if self._advisor is not None:
            self._advisor.marked(tip, mark)
        now_s = self._host.clock.now_s()
        self._host.publish(TipMarked(at_s=now_s, tip_id=tip.id, audience=Audience.CLINICIAN, mark=mark, role=role))

    def release(self, role: Role, tip_id: str) -> None:
        """Let the patient have an explanation. This is the only way in which advice reaches a patient.

        Raises:
            NotFound: If there is no such tip.
            Forbidden: If it is the patient who asks, the tip is no explanation, or the agent's record forbids it.
        """
        tip = self._of_clinician(role, tip_id)
        if tip.kind is not TipKind.EXPLANATION or self._agent.to_patient == "nothing":
            raise Forbidden("Only explanations can be released to the patient.")
        if tip.audience is Audience.PATIENT:
            return
        released = self._tips[tip_id] = tip.model_copy(update={"audience": Audience.PATIENT})
        self._host.publish(TipReleased(at_s=self._host.clock.now_s(), tip=released))

    def ask(self, role: Role, question_id: str, text: str) -> None:
        """Take a question of the clinician's; an answer follows. One asked again is not answered again.

        Raises:
            Forbidden: If it is the patient who asks, or the agent answers no questions.
            Unavailable: If there is no advice in this room.
            TooFrequent: If earlier questions still wait.
        """
        if role is not Role.CLINICIAN:
            raise Forbidden("Only the clinician can ask about the consultation.")
        if TipKind.ANSWER not in self._agent.suggests:
            raise Forbidden("The agent of this consultation answers no questions.")
        if self._advisor is None:
            raise Unavailable("There is no advice in this consultation.")
        if question_id in self._questions:
            return
        self._advisor.ask(question_id, text)
        self._questions.add(question_id)
        self._host.publish(QuestionAsked(at_s=self._host.clock.now_s(), question_id=question_id, text=text))

    def on_tip(self, tip: Tip) -> None:
        """Give a tip, or an answer, to the clinician, whatever audience it names."""
        tip_id = tip.id if tip.id not in self._tips else uuid.uuid4().hex
        given = self._tips[tip_id] = tip.model_copy(update={"id": tip_id, "audience": Audience.CLINICIAN})
        self._host.publish(TipReady(at_s=self._host.clock.now_s(), tip=given))

    def on_state(self, state: SidecarState, detail: str) -> None:
        """Tell how the model does."""
        now_s = self._host.clock.now_s()
        self._host.publish(SidecarStateChanged(at_s=now_s, sidecar="tips", state=state, detail=detail))

    def on_interaction(self, interaction: Interaction) -> None:
        """Keep that advice was asked for."""
        self._host.publish(InteractionLogged(at_s=self._host.clock.now_s(), interaction=interaction))

    def on_spent(self, calls: int, tokens: int) -> None:
        """Tell that the model is asked no more."""
        self._host.publish(BudgetSpent(at_s=self._host.clock.now_s(), calls=calls, tokens=tokens))

    def _of_clinician(self, role: Role, tip_id: str) -> Tip:
        tip = self._tips.get(tip_id)
        if tip is None:
            raise NotFound(f"There is no tip {tip_id!r} in this consultation.")
        if role is not Role.CLINICIAN:
            raise Forbidden("Tips are the clinician's to mark and to release.")
        return tip

    async def _look_up(self, subject: Subject) -> None:
        found = await self._services.look_up(self._agent.sources, subject)
        if subject == self._asked_about:
            self._looked_up = found
            self._tell_background()

    def _tell_background(self) -> None:
        if self._advisor is None:
            return
        shares = self._agent.shares_names
        people = tuple(Person(role, name if shares else "") for role, (_, name) in self._people.items())
        found = self._looked_up
        self._advisor.know(Background(initial=self._context, people=people, data=found.data, states=found.states))

    def _created(self) -> Advisor | None:
        try:
            return self._services.create_advisor(self._agent, self._consultation.language, self)
        except Exception as error:
            # A knowledge file or setting that cannot be used costs the tips, not the consultation.
            log.exception("tips.cannot_start")
            detail = str(error) if isinstance(error, EscutaError) else type(error).__name__
            self.fault = SidecarFailed(at_s=self._host.clock.now_s(), sidecar="tips", detail=detail)
            return None
