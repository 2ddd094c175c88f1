"""The knowledge files agree with each other, and every red flag can be raised in both languages."""

import re
import tomllib

import pytest

from server.insight.knowledge_file import FOLDER, Knowledge, lexicon, load
from server.insight.languages import LANGUAGES
from tests.insight.spoken import subjects

EXAMPLES: dict[str, tuple[str, str]] = {
    "acute_coronary": ("Dor no peito e o braço esquerdo dormente", "Chest pain and it goes down my left arm"),
    "chest_pain_breathless": ("Dor no peito e falta de ar", "Chest pain and I'm short of breath"),
    "chest_pain": ("Um aperto no peito", "A pressure on my chest"),
    "aortic_dissection": ("Uma dor rasgando o peito", "A tearing pain in my back"),
    "pulmonary_embolism": ("Falta de ar e uma perna inchada", "I'm breathless and my leg is swollen"),
    "cannot_breathe": ("Não consigo respirar", "I can't breathe"),
    "stroke": ("Minha boca ficou torta", "One side of my face dropped"),
    "thunderclap_headache": ("É a pior dor de cabeça da minha vida", "The worst headache of my life"),
    "meningitis": ("Estou com febre e o pescoço duro", "I have a fever and a stiff neck"),
    "sepsis": ("Febre e ele está confuso", "A fever and he is confused"),
    "suicide_risk": ("Tenho pensado em me matar", "I think about killing myself"),
    "overdose": ("Tomei a cartela inteira", "I took the whole packet"),
    "violence": ("Meu marido me bateu", "My husband hits me"),
    "anaphylaxis": ("Minha garganta está fechando", "My throat is closing"),
    "haemoptysis": ("Tossi sangue", "I've been coughing up blood"),
    "gi_bleeding": ("Vomitei sangue", "I vomited blood"),
    "severe_bleeding": ("O corte não para de sangrar", "The bleeding won't stop"),
    "pregnancy_bleeding": ("Estou grávida e com sangramento", "I'm pregnant and bleeding"),
    "pre_eclampsia": ("Estou grávida e com dor de cabeça", "I'm pregnant and I have a headache"),
    "ectopic_pregnancy": ("A menstruação não veio e tenho cólica", "I missed my period and have stomach pain"),
    "hypoglycaemia": ("Tenho diabetes e estou tremendo", "I'm diabetic and I'm shaking"),
    "ketoacidosis": ("Tenho diabetes e não paro de vomitar", "I have diabetes and I keep vomiting"),
    "testicular_torsion": ("Dor no testículo", "My testicle hurts"),
    "cauda_equina": ("Dor nas costas e dormência na virilha", "Back pain and I can't pee"),
    "acute_abdomen": ("A barriga está dura como tábua", "My belly is rigid"),
    "appendicitis": ("Dor do lado direito da barriga e febre", "Pain on the lower right side and a fever"),
    "deep_vein_thrombosis": ("A panturrilha está inchada e dura", "My calf is swollen"),
    "limb_ischaemia": ("Dor na perna e o pé está gelado", "Pain in my leg and my foot is cold"),
    "syncope": ("Desmaiei depois de uma palpitação", "I fainted after palpitations"),
    "seizure": ("Ele teve uma convulsão", "He had a seizure"),
    "head_injury": ("Bati a cabeça e vomitei", "I hit my head and I've been vomiting"),
    "vision_loss": ("Perdi a visão de um olho", "I lost the vision in one eye"),
    "acute_glaucoma": ("O olho dói e vejo halos", "My eye hurts and I see halos"),
    "neutropenic_fever": ("Faço quimioterapia e estou com febre", "I'm on chemo and I have a fever"),
    "infant_fever": ("O recém-nascido está com febre", "The newborn has a fever"),
    "traveller_fever": ("Cheguei da África e estou com febre", "I came back from Ghana and have a fever"),
    "cholangitis": ("Os olhos estão amarelos e tenho febre", "My eyes are yellow and I have a fever"),
    "dengue_alarm": ("Peguei dengue e a gengiva está sangrando", "I have dengue and bleeding gums"),
    "fever_bleeding": ("Febre e a gengiva sangrando", "A fever and bleeding gums"),
    "alcohol_withdrawal": ("Bebo todo dia e as mãos tremem", "I drink every day and I get the shakes"),
    "dehydration": ("Está com diarreia e chora sem lágrima", "He has diarrhoea and cries without tears"),
    "diabetic_foot": ("Tenho diabetes e o dedão está roxo", "I'm diabetic and my toe has gone black"),
    "blood_in_stool": ("Sangue nas fezes", "Blood in my stool"),
    "cancer_signs": ("Perdi dez quilos e achei um caroço", "I lost weight and found a lump"),
}


def structure(knowledge: Knowledge) -> object:
    """Return everything of a file but its words."""
    dumped = knowledge.model_dump(exclude={"never_skipped", "scope", "small_talk", "concepts", "exclusions"})
    for group in ("red_flag", "unasked", "action", "follow_up", "conflict", "explanation"):
        for rule in dumped[group]:
            del rule["text"]
            for aspect in rule.get("aspects", ()):
                del aspect["ask"]
    for medicine in dumped["medicines"]:
        del medicine["name"], medicine["words"]
    del dumped["allergy_conflict"]
    dumped["answers"] = sorted(dumped["answers"]["about"]), sorted(dumped["answers"]["speakers"])
    return dumped, sorted(knowledge.concepts), sorted(knowledge.exclusions)


def test_both_languages_know_the_same() -> None:
    assert structure(load("pt")) == structure(load("en"))


def test_every_red_flag_has_an_example() -> None:
    known = {rule.subject.removeprefix("red_flag.") for rule in load("pt").red_flag}
    assert known == set(EXAMPLES)
    assert len(known) >= 30


@pytest.mark.parametrize(("flag", "language"), [(flag, language) for flag in EXAMPLES for language in (0, 1)])
def test_its_example_raises_the_red_flag(flag: str, language: int) -> None:
    turn = f"p: {EXAMPLES[flag][language]}."
    assert f"red_flag.{flag}" in subjects(turn, language="en" if language else "pt")


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_suggest_and_are_short(language: str) -> None:
    knowledge = load(language)
    for rule in (*knowledge.red_flag, *knowledge.unasked, *knowledge.follow_up, *knowledge.conflict):
        assert len(rule.text) <= 160, rule.subject
        assert re.search(r"[Cc]onsider", rule.text), rule.subject
        assert rule.text.endswith("."), rule.subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_compiles_and_none_is_listed_twice(language: str) -> None:
    lexicon(language)
    for name, phrases in load(language).concepts.items():
        assert len(phrases) == len(set(phrases)), name


def test_a_rule_about_nothing_known_is_refused() -> None:
    broken = tomllib.loads((FOLDER / "pt.toml").read_text("utf-8"))
    broken["red_flag"][0]["all"] = ["no_such_concept"]
    with pytest.raises(ValueError, match="no_such_concept"):
        Knowledge.model_validate(broken)
