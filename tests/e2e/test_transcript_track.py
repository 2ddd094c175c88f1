"""WebVTT as a browser reads it: every cue, its voice and its words."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from server.model.consultation import Role
from server.model.transcript import Utterance
from server.web.transcript_formats import Speakers, as_vtt

pytestmark = pytest.mark.asyncio(loop_scope="session")
TEXTS = (
    "Não é só dor: coração, pressão e ânsia às três da manhã.",
    'Ela disse “sim”, e eu: "não", d\'água…',
    "<b>Dói</b> & <i>coça</i> {aqui} &lt;ali&gt; --> lá",
    " ".join(["consequentemente"] * 5_000),
    "linha\r\n\r\n2\n00:00:01,000 --> 00:00:02,000\u2028outra",
    "",
)
NAME = 'Maria <b> & "Zé" > \u200f'
READ = """vtt => new Promise((resolve, reject) => {
  const video = document.body.appendChild(document.createElement("video"));
  const track = video.appendChild(document.createElement("track"));
  track.onerror = () => reject(new Error("not WebVTT"));
  track.onload = () => resolve([...track.track.cues].map((cue) => {
    const html = cue.getCueAsHTML();
    return [cue.startTime, cue.endTime, html.firstChild.title, html.textContent, html.querySelectorAll("b, i").length];
  }));
  track.src = URL.createObjectURL(new Blob([vtt], { type: "text/vtt" }));
  track.track.mode = "hidden";
})"""


async def read(chromium: Browser, said: list[Utterance]) -> list[list[object]]:
    context = await chromium.new_context()
    try:
        page = await context.new_page()
        speakers = Speakers.of("pt", {Role.PATIENT: NAME}, said)
        found: list[list[object]] = await page.evaluate(READ, as_vtt(said, speakers))
        return found
    finally:
        await context.close()


async def test_a_browser_shows_every_cue_with_its_voice_and_its_words(chromium):
    said = [
        Utterance(id=f"u{at}", role=Role.PATIENT, start_s=at, end_s=at + 0.5, text=text, language="pt")
        for at, text in enumerate(TEXTS, 1)
    ]
    voice = f"Paciente ({' '.join(NAME.split())})"
    assert await read(chromium, said) == [
        [at, at + 0.5, voice, " ".join(text.split()), 0] for at, text in enumerate(TEXTS, 1)
    ]


async def test_a_browser_takes_a_transcript_in_which_nobody_spoke(chromium):
    assert await read(chromium, []) == []
