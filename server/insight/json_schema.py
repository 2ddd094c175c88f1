"""Check JSON against the part of JSON Schema that answers are asked for in, with pydantic's own validator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

_DEEPEST = 20


_MOST_FAULTS = 5


class DoesNotFit(ValueError):
    """The JSON does not fit its schema.

    `faults` say where and how, for who made the JSON: they may quote its keys. The message holds no part of it.
    """

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class JsonSchema:
    """Knows type, enum, const, properties, required, additionalProperties, items, anyOf, $ref to $defs and bounds.

    Keywords it does not know are not checked.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = schema.get("$defs", {})
        self._validator = SchemaValidator(self._translate(schema, 0))

    def check(self, value: object) -> None:
        """Accept `value`.

        Raises:
            DoesNotFit: If it does not fit. The message holds no part of the value.
        """
        try:
            self._validator.validate_python(value, strict=True)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            faults = (f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}" for one in found[:_MOST_FAULTS])
            fault = DoesNotFit(f"{error.error_count()} places do not fit the schema", tuple(faults))
        else:
            return
        raise fault

    def _translate(self, schema: Mapping[str, Any], depth: int) -> CoreSchema:
        if depth > _DEEPEST:
            return core_schema.any_schema()
        if "$ref" in schema:
            return self._translate(self._definitions.get(str(schema["$ref"]).rpartition("/")[2], {}), depth + 1)
        if "const" in schema:
            return core_schema.literal_schema([schema["const"]])
        if "enum" in schema:
            return core_schema.literal_schema(list(schema["enum"]))
        if "anyOf" in schema:
            return core_schema.union_schema([self._translate(one, depth + 1) for one in schema["anyOf"]])
        return self._translate_type(schema, depth)

    def _translate_type(self, schema: Mapping[str, Any], depth: int) -> CoreSchema:
        match schema.get("type"):
            case "object":
                return self._translate_object(schema, depth)
            case "array":
                items = self._translate(schema.get("items", {}), depth + 1)
                return core_schema.list_schema(
                    items, min_length=schema.get("minItems"), max_length=schema.get("maxItems")
                )
            case "string":
                return core_schema.str_schema(
                    min_length=schema.get("minLength"), max_length=schema.get("maxLength"), strict=True
                )
            case "integer":
                return core_schema.int_schema(ge=schema.get("minimum"), le=schema.get("maximum"), strict=True)
            case "number":
                return core_schema.float_schema(ge=schema.get("minimum"), le=schema.get("maximum"), strict=True)
            case "boolean":
                return core_schema.bool_schema(strict=True)
            case "null":
                return core_schema.none_schema()
            case _:
                return core_schema.any_schema()

    def _translate_object(self, schema: Mapping[str, Any], depth: int) -> CoreSchema:
        required = set(schema.get("required", ()))
        fields = {
            name: core_schema.typed_dict_field(self._translate(one, depth + 1), required=name in required)
            for name, one in schema.get("properties", {}).items()
        }
        extra: core_schema.ExtraBehavior = "forbid" if schema.get("additionalProperties") is False else "allow"
        return core_schema.typed_dict_schema(fields, extra_behavior=extra, strict=True)
