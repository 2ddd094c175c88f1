"""What is denied, asked, feared, long ago or somebody else's raises no alarm; what is affirmed does."""

import pytest

from server.insight.port import Dialogue
from server.insight.providers.rules import Rules
from tests.insight.spoken import AGENT, subjects, utterances

CHEST = "red_flag.chest_pain"


@pytest.mark.parametrize(
    "turns",
    [
        ["p: Estou com dor no peito."],
        ["p: Não, tenho dor no peito."],
        ["p: A dor no peito não passa, doutora."],
        ["p: Não aguento mais essa dor no peito."],
        ["p: Sem febre, sem tosse, com dor no peito."],
        ["p: Não tenho febre, mas tenho dor no peito."],
        ["p: Não tenho febre e estou com dor no peito."],
        ["p: Não tenho febre, a dor é no peito."],
        ["p: Estou com dor no peito, isso é grave?"],
        ["p: Minha mãe teve isso e agora eu estou com dor no peito."],
        ["p: Estou com dor no peito não é?"],
        ["c: O senhor está com dor no peito?", "p: Sim."],
        ["c: Tem dor no peito?", "p: Tenho sim, doutor."],
    ],
)
def test_what_the_patient_affirms_counts(turns: list[str]) -> None:
    assert CHEST in subjects(*turns)


@pytest.mark.parametrize(
    "turns",
    [
        ["p: Não tenho dor no peito."],
        ["p: Não tenho febre, tosse nem dor no peito."],
        ["p: Dor no peito não."],
        ["p: Dor no peito eu não tenho."],
        ["p: Dor no peito não tive, não."],
        ["p: Nega dor no peito."],
        ["p: Sem dor no peito."],
        ["p: Nunca tive dor no peito."],
        ["p: Dor no peito? Não."],
        ["p: Minha mãe teve dor no peito."],
        ["p: Dor no peito é coisa da minha mãe."],
        ["p: Tenho medo de ter dor no peito."],
        ["p: Tive dor no peito há cinco anos."],
        ["p: Foi no ano passado. Deu uma dor no peito e passou."],
        ["c: Está com dor no peito?"],
        ["c: Se tiver dor no peito, vá para a emergência."],
        ["c: Tem dor no peito?", "p: Não."],
        ["c: Tem dor no peito, febre ou tosse?", "p: Sim."],
        ["c: E na família, alguém tem problema?", "p: Dor no peito, meu pai vivia assim."],
        ["c: E a sua mãe?", "p: Ela tem dor no peito."],
    ],
)
def test_what_the_patient_does_not_affirm_does_not(turns: list[str]) -> None:
    assert CHEST not in subjects(*turns)


@pytest.mark.parametrize(
    "turns",
    [
        ["p: I have chest pain."],
        ["p: No, I have chest pain."],
        ["p: The chest pain is not going away."],
        ["p: No fever, but chest pain."],
        ["p: I told my wife I have chest pain."],
        ["c: Any chest pain?", "p: Yes."],
        ["c: Do you have any pain in your chest?", "p: I do, a little."],
    ],
)
def test_affirmed_in_english(turns: list[str]) -> None:
    assert CHEST in subjects(*turns, language="en")


@pytest.mark.parametrize(
    "turns",
    [
        ["p: I don't have chest pain."],
        ["p: No fever, no chest pain."],
        ["p: I haven't had any fever or chest pain."],
        ["p: I deny chest pain."],
        ["p: My dad had chest pain."],
        ["p: I was worried it was chest pain."],
        ["p: About five years ago. I had some chest pain."],
        ["c: Any chest pain?", "p: Not really."],
        ["c: Any chest pain?"],
        ["c: And what about your mother?", "p: She has chest pain."],
    ],
)
def test_not_affirmed_in_english(turns: list[str]) -> None:
    assert CHEST not in subjects(*turns, language="en")


def test_a_yes_spoken_into_the_question_is_a_listeners_noise() -> None:
    question, answer = utterances(["c: Tem dor no peito?", "p: Sim."])
    early = answer.model_copy(update={"start_s": question.start_s + 1, "end_s": question.start_s + 2})
    said = Dialogue(language="pt", utterances=[question, early], agent=AGENT)
    assert Rules().tips(said) == []
