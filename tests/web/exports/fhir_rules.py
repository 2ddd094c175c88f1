"""Reads FHIR documents, and holds the rules of R4 that no model of its structure knows."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

from server.model.report import Section
from server.web.exports.fhir.bundle import to_fhir, validated

from .samples import dossier, signed, statement

XHTML = "{http://www.w3.org/1999/xhtml}"
Json = dict[str, Any]


def resources(bundle: Json, kind: str) -> list[Json]:
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


def only(bundle: Json, kind: str) -> Json:
    (one,) = resources(bundle, kind)
    return one


def of_entities(*entities: object, signed_too: bool = False, code: str = "") -> Json:
    """Return the bundle of a report with one statement that states `entities`."""
    said = statement(1, "Frase.", ("u2", "u5", "u6", "u7"), *entities)  # type: ignore[arg-type]
    sections = (Section(id="one", title="Um", code=code, statements=(said,)),)
    made = signed(sections=sections) if signed_too else dossier(sections=sections)
    return json.loads(validated(to_fhir(made)))


def nodes(value: object) -> list[Json]:
    found: list[Json] = []
    if isinstance(value, dict):
        found.append(value)
        for one in value.values():
            found += nodes(one)
    elif isinstance(value, list):
        for one in value:
            found += nodes(one)
    return found


def check_invariants(bundle: Json) -> None:
    """Hold the rules of R4 that are no matter of structure; named as the specification names them."""
    assert bundle["identifier"]["system"]  # bdl-9
    assert bundle["identifier"]["value"]
    assert bundle["timestamp"]  # bdl-10
    assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"  # bdl-11
    urls = [one["fullUrl"] for one in bundle["entry"]]
    assert len(urls) == len(set(urls))  # bdl-7
    for one in bundle["entry"]:
        assert one["fullUrl"] == f"urn:uuid:{one['resource']['id']}"
    for node in nodes(bundle):
        if "reference" in node:
            assert node["reference"] in urls
        if str(node.get("url", "")).startswith("urn:escuta:"):  # ext-1
            assert ("extension" in node) != any(name.startswith("value") for name in node)
        if "div" in node:
            check_narrative(node["div"])
        for name, value in node.items():
            assert value not in ({}, [], "", None), name
            if isinstance(value, str):
                assert not re.search("[\x00-\x1f]", value), name
    for section in bundle["entry"][0]["resource"].get("section", ()):
        assert section["text"]  # cmp-1
    for condition in resources(bundle, "Condition"):
        status = condition["verificationStatus"]["coding"][0]["code"]
        assert ("clinicalStatus" in condition) is (status != "refuted")
    for allergy in resources(bundle, "AllergyIntolerance"):
        assert allergy["clinicalStatus"]  # ait-1
    for observation in resources(bundle, "Observation"):
        assert len([name for name in observation if name.startswith("value")]) == 1


def check_narrative(div: str) -> None:
    """Hold that a narrative is XHTML of the elements we write, with some text in it (txt-1, txt-2)."""
    root = ElementTree.fromstring(div)
    assert root.tag == f"{XHTML}div"
    for one in root.iter():
        assert one.tag in {f"{XHTML}{name}" for name in ("div", "p", "ul", "li", "small")}
        assert one is root or not one.attrib
    assert "".join(root.itertext()).strip()
