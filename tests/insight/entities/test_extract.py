"""What people say becomes entities with places, assertions, normal forms and relations."""

import pytest

from server.model.entities import Assertion, EntityCategory, RelationKind
from tests.insight.entities.spoken import brief, entities, stands


@pytest.mark.parametrize(
    ("text", "category", "normal"),
    [
        ("Estou com uma dor muito forte aqui no peito.", "SymptomOrSign", "chest_pain"),
        ("O peito está doendo.", "SymptomOrSign", "chest_pain"),
        ("Me falta o ar.", "SymptomOrSign", "shortness_of_breath"),
        ("Minha pressão tá alta.", "Diagnosis", "hypertension"),
        ("Meu açúcar tá muito alto.", "SymptomOrSign", "high_blood_sugar"),
        ("Tô enjoada.", "SymptomOrSign", "nausea"),
        ("Fico com a urina solta.", "SymptomOrSign", "urinary_incontinence"),
        ("Ando gripado.", "SymptomOrSign", "flu_like_symptoms"),
        ("Meu joelho direito tá inchado.", "SymptomOrSign", "swollen_joints"),
        ("Os pés formigam.", "SymptomOrSign", "numb_feet"),
        ("Sinto uma queimação no estômago.", "SymptomOrSign", "heartburn"),
        ("Fiz um eletro.", "ExaminationName", "electrocardiogram"),
        ("Tomo remédio de pressão.", "MedicationClass", "blood_pressure_tablet"),
        ("Sou alérgico a camarão.", "Allergen", "prawns"),
        ("Dipirona me dá alergia.", "Allergen", "metamizole"),
        ("Arde quando eu urino.", "SymptomOrSign", "painful_urination"),
    ],
)
def test_lay_words_are_understood(text: str, category: str, normal: str) -> None:
    assert [(one.category.value, one.normal) for one in entities(text)] == [(category, normal)]


def test_the_span_is_literal_and_in_place() -> None:
    text = "Então, doutora: às vezes vai para o BRAÇO esquerdo."
    (one,) = entities(text)
    assert text[one.start : one.end] == one.text == "BRAÇO esquerdo"
    assert one.category is EntityCategory.BODY


def test_a_symptom_at_a_place_without_a_term_is_named_by_both() -> None:
    (one,) = entities("Estou com dormência no cotovelo esquerdo.")
    assert (one.text, one.normal, one.name) == (
        "dormência no cotovelo esquerdo",
        "numbness:elbow",
        "dormência (cotovelo)",
    )


@pytest.mark.parametrize(
    ("text", "words", "normal"),
    [
        ("Tomo lozartana todo dia.", "lozartana", "losartan"),
        ("Tomei de pirona ontem.", "de pirona", "metamizole"),
        ("Uso metiformina.", "metiformina", "metformin"),
        ("Tomo o sal butamol.", "sal butamol", "salbutamol"),
        ("Tomo clonazepan pra dormir.", "clonazepan", "clonazepam"),
        ("A emoglobina glicada subiu.", "emoglobina glicada", "hba1c"),
    ],
)
def test_misheard_names_are_found_and_marked(text: str, words: str, normal: str) -> None:
    one = next(one for one in entities(text) if one.text == words)
    assert (one.normal, one.approximate) == (normal, True)
    assert one.confidence < 0.9


def test_what_is_written_right_is_not_marked() -> None:
    (one,) = entities("Tomo losartana.")
    assert (one.approximate, one.confidence) == (False, 0.95)


@pytest.mark.parametrize(
    "text",
    [
        "Bom dia, doutor, como vai a família do senhor Antônio?",
        "A Anita mora lá perto da estação, no prazo de cinco anos a gente muda.",
        "Ele tinha sentido isso quando voltaram da feira com a Cristina.",
        "Pode sentar naquela cadeira, fique à vontade, o exame já acabou.",
    ],
)
def test_ordinary_talk_has_no_medicines(text: str) -> None:
    assert [one for one in entities(text) if one.category is EntityCategory.MEDICATION or one.approximate] == []


@pytest.mark.parametrize(
    ("text", "words", "assertion"),
    [
        ("Estou com febre.", "febre", "affirmed"),
        ("Não tenho febre.", "febre", "negated"),
        ("Febre não.", "Febre", "negated"),
        ("Febre eu não tive.", "Febre", "negated"),
        ("Rouca eu não fiquei.", "Rouca", "negated"),
        ("Nega febre.", "febre", "negated"),
        ("Sem febre.", "febre", "negated"),
        ("Nunca tive convulsão.", "convulsão", "negated"),
        ("Nunca fumei.", "fumei", "negated"),
        ("Nada de cerveja.", "cerveja", "negated"),
        ("A tosse não passa.", "tosse", "affirmed"),
        ("A dor não melhora.", "dor", "affirmed"),
        ("Não tenho febre, mas tenho tosse.", "tosse", "affirmed"),
        ("Tontura não mas tenho tosse", "Tontura", "negated"),
        ("Minha mãe tem diabetes.", "diabetes", "family"),
        ("Acho que é dengue.", "dengue", "possible"),
        ("Talvez seja pneumonia.", "pneumonia", "possible"),
        ("Suspeita de dengue.", "dengue", "possible"),
        ("Já tive pneumonia.", "pneumonia", "past"),
        ("Tive um infarto em dois mil e dez.", "infarto", "past"),
        ("Operei a vesícula.", "Operei a vesícula", "past"),
        ("Eu tenho dengue?", "dengue", "asked"),
        ("Posso tomar dipirona?", "dipirona", "asked"),
        ("Não consigo dormir.", "Não consigo dormir", "affirmed"),
    ],
)
def test_how_it_stands_in_portuguese(text: str, words: str, assertion: str) -> None:
    assert stands(text, words) == assertion


@pytest.mark.parametrize(
    ("text", "words", "assertion"),
    [
        ("No fever.", "fever", "negated"),
        ("She denies chest pain.", "chest pain", "negated"),
        ("I haven't had any vomiting.", "vomiting", "negated"),
        ("My dad had a stroke.", "stroke", "family"),
        ("It could be pneumonia.", "pneumonia", "possible"),
        ("I've got a fever.", "fever", "affirmed"),
        ("Can I take ibuprofen?", "ibuprofen", "asked"),
        ("I used to smoke.", "smoke", "past"),
    ],
)
def test_how_it_stands_in_english(text: str, words: str, assertion: str) -> None:
    assert stands(text, words, "en") == assertion


@pytest.mark.parametrize(
    ("text", "words", "assertion"),
    [
        ("Tem febre?", "febre", "asked"),
        ("a senhora tem febre", "febre", "asked"),
        ("Como é essa dor?", "dor", "affirmed"),
        ("Se tiver febre, volte.", "febre", "supposed"),
        ("Ibuprofeno em criança não.", "Ibuprofeno", "negated"),
        ("Vou pedir um hemograma.", "hemograma", "affirmed"),
    ],
)
def test_how_it_stands_when_the_clinician_says_it(text: str, words: str, assertion: str) -> None:
    assert stands(text, words, role="c") == assertion


def test_dose_and_frequency_belong_to_their_medicine() -> None:
    found = entities("Tomo losartana cinquenta miligramas de manhã e metformina quinhentos à noite.")
    by_id = {one.id: one for one in found}
    said = [(one.text, relation.kind, by_id[relation.to].text) for one in found for relation in one.relations]
    assert said == [
        ("cinquenta miligramas", RelationKind.DOSAGE_OF, "losartana"),
        ("de manhã", RelationKind.FREQUENCY_OF, "losartana"),
        ("quinhentos", RelationKind.DOSAGE_OF, "metformina"),
        ("à noite", RelationKind.FREQUENCY_OF, "metformina"),
    ]


def test_a_value_belongs_to_its_examination() -> None:
    exam, value = entities("A glicose em jejum deu cento e oitenta.")
    assert (value.category, value.value, value.relations[0].to) == (EntityCategory.MEASUREMENT, 180.0, exam.id)


def test_an_allergen_needs_no_second_mention_of_the_allergy() -> None:
    assert brief(entities("Sim, tenho alergia a dipirona.")) == [("Allergen", "dipirona", "affirmed")]
    assert brief(entities("Não tenho alergia.")) == [("Diagnosis", "alergia", "negated")]


def test_nothing_is_found_in_nothing() -> None:
    assert entities("...") == ()


def test_the_same_words_give_the_same_ids() -> None:
    first, second = entities("Estou com febre."), entities("Estou com febre.")
    assert [one.id for one in first] == [one.id for one in second]
    assert first[0].assertion is Assertion.AFFIRMED


@pytest.mark.parametrize(
    ("text", "language", "normal", "name"),
    [
        ("Tomo de oito em oito horas.", "pt", "every 8 h", "a cada 8 h"),
        ("Tomo uma vez ao dia.", "pt", "1/day", "1 vez ao dia"),
        ("Tomo duas vezes ao dia.", "pt", "2/day", "2 vezes ao dia"),
        ("Tomo uma vez ao dia depois de comer.", "pt", "1/day, after meals", "1 vez ao dia, depois de comer"),
        ("Dói há três dias.", "pt", "3 days ago", "há 3 dias"),
        ("Dói há um mês.", "pt", "1 month ago", "há 1 mês"),
        ("Dói desde segunda-feira.", "pt", "since segunda", "desde segunda"),
        ("I take it twice a day.", "en", "2/day", "twice a day"),
        ("I take two tablets.", "en", "2 tablet", "2 tablets"),
        ("It hurts since Monday.", "en", "since monday", "since Monday"),
    ],
)
def test_a_quantity_has_one_normal_form_and_a_name_in_the_language(
    text: str, language: str, normal: str, name: str
) -> None:
    quantities = (EntityCategory.FREQUENCY, EntityCategory.TIME, EntityCategory.DOSAGE)
    found = [one for one in entities(text, language=language) if one.category in quantities]
    assert [(one.normal, one.name) for one in found] == [(normal, name)]


def test_an_article_is_no_value() -> None:
    assert brief(entities("Febre não, tive um pouco de tontura.")) == [
        ("SymptomOrSign", "Febre", "negated"),
        ("SymptomOrSign", "tontura", "affirmed"),
    ]


def test_what_a_question_offers_is_asked_and_what_it_is_about_is_taken_for_granted() -> None:
    found = brief(entities("Como é essa dor, ela aperta, queima ou dá pontada?", role="c"))
    assert [(text, assertion) for _, text, assertion in found] == [
        ("dor", "affirmed"),
        ("aperta", "asked"),
        ("queima", "asked"),
        ("pontada", "asked"),
    ]
