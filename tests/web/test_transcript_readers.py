"""Every form of the transcript, of either edition, says to a reader of that form what was said."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from xml.etree import ElementTree

import av
import pytest

from server.model.consultation import Role
from server.model.transcript import Utterance

from .conftest import House
from .fakes import CONSULTATION, OTHER_CONSULTATION

TEXTS = (
    "Não é só dor: coração, pressão e ânsia às três da manhã.",
    'Ela disse “sim”, e eu: "não", d\'água…',
    "<b>Dói</b> & <i>coça</i> {aqui} &lt;ali&gt; --> lá {\\an8}",
    " ".join(["consequentemente"] * 200),
    "linha\r\n\r\n2\n00:00:01,000 --> 00:00:02,000\u2028outra",
    "🙂 \ufeff café e\u0301",
)
LABEL = "Paciente (Maria <b>): "
Spoken = list[tuple[float, str]]


def edition(name: str) -> list[Utterance]:
    return [
        Utterance(
            id=f"{name}-{at}", role=Role.PATIENT, start_s=at, end_s=at + 0.5, text=f"{name}: {text}", language="pt"
        )
        for at, text in enumerate(TEXTS, 1)
    ]


def plain(name: str) -> list[str]:
    return [f"{name}: {' '.join(text.split())}" for text in TEXTS]


def of_json(content: bytes) -> Spoken:
    return [(one["start_s"], " ".join(one["text"].split())) for one in json.loads(content)["utterances"]]


def unescaped(text: str) -> str:
    """Undo how ffmpeg writes plain braces and backslashes in Advanced SubStation."""
    return text.replace("\\{{}", "{").replace("\\\u2060", "\\")


def of_subtitles(kind: str) -> Callable[[bytes], Spoken]:
    def read(content: bytes) -> Spoken:
        """Read as ffmpeg's players do: Advanced SubStation with the text in the tenth field."""
        with av.open(io.BytesIO(content), format=kind) as container:
            packets = [packet for packet in container.demux(subtitles=0) if packet.size]
            return [
                (float(packet.pts * packet.time_base), unescaped(one.ass.decode().split(",", 8)[8]))
                for packet in packets
                for one in packet.decode()
            ]

    return read


def of_text(content: bytes) -> Spoken:
    found = []
    for line in content.decode().splitlines():
        clock, said = line[1:].split("] ", 1)
        hours, minutes, seconds = clock.split(":")
        found.append((int(hours) * 3600.0 + int(minutes) * 60 + int(seconds), said))
    return found


def of_docx(content: bytes) -> Spoken:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        document = ElementTree.fromstring(package.read("word/document.xml"))
    w = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    paragraphs = ["".join(run.text or "" for run in each.iter(f"{w}t")) for each in document.iter(f"{w}p")]
    return of_text("\n".join(paragraphs[1:]).encode())


def look_alike(text: str) -> str:
    return text.translate(str.maketrans("<>{}", "‹›()"))


READERS: dict[str, tuple[Callable[[bytes], Spoken], Callable[[str], str]]] = {
    "json": (of_json, lambda said: said),
    "vtt": (of_subtitles("webvtt"), lambda said: said),
    "srt": (of_subtitles("srt"), lambda said: look_alike(LABEL + said)),
    "text": (of_text, lambda said: LABEL + said),
    "docx": (of_docx, lambda said: LABEL + said),
}


@pytest.fixture
def talkative(house: House) -> House:
    house.store.said[CONSULTATION] = edition("live")
    house.store.said_finally[CONSULTATION] = edition("final")
    people = house.store.people[CONSULTATION]
    house.store.people[CONSULTATION] = [
        one.model_copy(update={"name": "Maria <b>"}) if one.role is Role.PATIENT else one for one in people
    ]
    return house


@pytest.mark.parametrize("name", ["live", "final"])
@pytest.mark.parametrize("form", READERS)
async def test_what_was_said_comes_out_of_it(talkative: House, form: str, name: str) -> None:
    answer = await talkative.call("GET", f"/api/consultations/{CONSULTATION}/transcript?format={form}&edition={name}")
    read, expected = READERS[form]
    found = read(await answer.read())
    assert [at_s for at_s, _ in found] == [1, 2, 3, 4, 5, 6]
    assert [said for _, said in found] == [expected(said) for said in plain(name)]


@pytest.mark.parametrize("form", READERS)
async def test_where_nobody_spoke_it_is_empty_and_whole(house: House, form: str) -> None:
    answer = await house.call("GET", f"/api/consultations/{OTHER_CONSULTATION}/transcript?format={form}")
    content = await answer.read()
    if form == "srt":
        assert content == b""
    else:
        assert READERS[form][0](content) == []
