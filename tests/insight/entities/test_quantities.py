"""Number words and units become quantities with a normal form."""

import pytest

from server.insight.entities.quantities import find
from server.insight.text import tokenize


def normals(text: str, language: str = "pt", *, medication: bool = True) -> list[tuple[str, str]]:
    return [(one.category.value, one.normal) for one in find(tokenize(text), language, medication=medication).spans]


@pytest.mark.parametrize(
    ("text", "category", "normal"),
    [
        ("cinquenta miligramas", "Dosage", "50 mg"),
        ("50mg", "Dosage", "50 mg"),
        ("0,5 mg", "Dosage", "0.5 mg"),
        ("1.000 mg", "Dosage", "1000 mg"),
        ("mil e duzentos miligramas", "Dosage", "1200 mg"),
        ("meio comprimido", "Dosage", "0.5 tablet"),
        ("um comprimido e meio", "Dosage", "1.5 tablet"),
        ("vinte gotas", "Dosage", "20 drop"),
        ("de oito em oito horas", "Frequency", "every 8 h"),
        ("12/12h", "Frequency", "every 12 h"),
        ("a cada seis horas", "Frequency", "every 6 h"),
        ("duas vezes ao dia", "Frequency", "2/day"),
        ("três vezes por semana", "Frequency", "3/week"),
        ("dia sim, dia não", "Frequency", "every 2 days"),
        ("à noite", "Frequency", "night"),
        ("trinta e oito graus e meio", "MeasurementValue", "38.5 °C"),
        ("dezoito por dez", "MeasurementValue", "18/10 mmHg"),
        ("120/80", "MeasurementValue", "120/80 mmHg"),
        ("oito e meio por cento", "MeasurementValue", "8.5 %"),
        ("8,5%", "MeasurementValue", "8.5 %"),
        ("tenho quarenta e cinco anos", "Age", "45 years"),
        ("há três dias", "Time", "3 days ago"),
        ("em dois mil e dez", "Time", "year 2010"),
        ("por sete dias", "Time", "for 7 days"),
    ],
)
def test_in_portuguese(text: str, category: str, normal: str) -> None:
    assert normals(text) == [(category, normal)]


@pytest.mark.parametrize(
    ("text", "category", "normal"),
    [
        ("five milligrams", "Dosage", "5 mg"),
        ("one and a half tablets", "Dosage", "1.5 tablet"),
        ("half a tablet", "Dosage", "0.5 tablet"),
        ("a hundred and twenty five mg", "Dosage", "125 mg"),
        ("twice a day", "Frequency", "2/day"),
        ("every six hours", "Frequency", "every 6 h"),
        ("140 over 90", "MeasurementValue", "140/90 mmHg"),
        ("thirty-nine degrees", "MeasurementValue", "39 °C"),
        ("three years old", "Age", "3 years"),
        ("two weeks ago", "Time", "2 weeks ago"),
        ("for about two weeks", "Time", "for 2 weeks"),
    ],
)
def test_in_english(text: str, category: str, normal: str) -> None:
    assert normals(text, "en") == [(category, normal)]


def test_a_part_of_the_day_is_a_frequency_only_of_a_medicine() -> None:
    assert normals("tenho tosse à noite", medication=False) == [("Time", "night")]


def test_numbers_that_make_no_blood_pressure_are_none() -> None:
    assert normals("dois por um") == []
    assert normals("10/18") == []


def test_two_frequencies_in_one_breath_are_one() -> None:
    assert normals("todo dia de manhã") == [("Frequency", "1/morning")]
    assert normals("uma vez ao dia à noite") == [("Frequency", "1/day, night")]
