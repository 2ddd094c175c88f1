import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.insight.json_schema import DoesNotFit, JsonSchema
from server.insight.llm_tips import SCHEMA

PLAIN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "word": {"type": "string", "minLength": 1, "maxLength": 3},
        "count": {"type": "integer", "minimum": 0, "maximum": 5},
        "share": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "kind": {"enum": ["a", "b"]},
        "one": {"const": "x"},
        "on": {"type": "boolean"},
        "list": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
    },
    "required": ["word"],
    "additionalProperties": False,
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("ab", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=4,
)


def fits(schema: dict[str, Any], value: object) -> bool:
    try:
        JsonSchema(schema).check(value)
    except DoesNotFit:
        return False
    return True


@given(st.dictionaries(st.sampled_from([*PLAIN["properties"], "other"]), json_values), st.text("ab", max_size=4))
def test_it_agrees_with_the_reference_implementation(value: dict[str, Any], word: str) -> None:
    value = {"word": word} | value
    expected = jsonschema.Draft202012Validator(PLAIN).is_valid(value)
    # JSON Schema counts 1.0 as an integer; answers here must be written as one.
    if expected and isinstance(value.get("count"), float):
        expected = False
    assert fits(PLAIN, value) == expected


def test_references_and_enums_of_pydantic_are_followed() -> None:
    good = {"tips": [{"kind": "tip", "subject": "s", "text": "t", "urgent": False, "evidence": []}]}
    assert fits(dict(SCHEMA), good)
    assert not fits(dict(SCHEMA), json.loads(json.dumps(good).replace('"tip"', '"order"')))


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_only_an_object_is_an_object(value: object) -> None:
    assert not fits(PLAIN, value)


def test_the_error_quotes_nothing() -> None:
    with pytest.raises(DoesNotFit) as caught:
        JsonSchema(PLAIN).check({"word": "SECRET WORDS"})
    assert "SECRET" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert fits({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, {"any": "thing"})
