"""The replay command, against a server that runs."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from tests.e2e.running import FIXTURE, ROOT, running_server, until


async def _replay(server, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "replay", *arguments,
        cwd=ROOT, env=server.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.alone
@pytest.mark.timeout(240)
async def test_replay_plays_two_files_and_prints_transcript_tips_files_and_figures(server):
    status, out, err = await _replay(
        server, "--url", server.address, "--language", "pt", "--json",
        "--clinician", str(FIXTURE / "clinician.ogg"), "--patient", str(FIXTURE / "patient.ogg"),
        "--reference", str(FIXTURE / "reference.json"),
    )  # fmt: skip
    assert status == 0, err
    result = json.loads(out)
    assert result["word_error_rate"] <= 0.30
    assert result["invented_words"] == 0
    assert {file["name"] for file in result["recordings"]} >= {"clinician.ogg", "patient.wav"}
    assert any(tip["urgent"] for tip in result["tips"])
    assert result["latency"]["end_of_speech_to_final_s"]["count"] >= 4
    assert "peito" in err


async def test_replay_names_what_is_wrong_in_one_sentence(server, tmp_path):
    noise = tmp_path / "no sound.wav"
    noise.write_text("this is no sound")
    for arguments, sentence in (
        (["--clinician", str(tmp_path / "none.wav")], "does not exist"),
        (["--clinician", str(noise)], "cannot be read as sound"),
        (["--clinician", str(FIXTURE / "patient.ogg"), "--url", "http://127.0.0.1:9"], "No Escuta server answers"),
    ):
        status, out, err = await _replay(server, *arguments)
        assert (status, out) == (1, "")
        assert err.startswith("escuta replay: ")
        assert sentence in err
        assert len(err.strip().splitlines()) == 1


@pytest.mark.timeout(120)
async def test_replay_says_so_when_the_server_dies_in_mid_call(tmp_path, data_dir):
    with running_server(tmp_path, data_dir, SPEECH_PROVIDER="scripted") as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "replay", "--url", server.address,
            "--clinician", str(FIXTURE / "clinician.ogg"),
            cwd=ROOT, env=server.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

        async def both_are_there() -> bool:
            for one in (await server.call("GET", "/api/consultations"))["consultations"]:
                detail = await server.call("GET", f"/api/consultations/{one['id']}")
                return len(detail["participants"]) == 2
            return False

        await until(both_are_there)
        server.kill()
        out, err = await process.communicate()
    assert process.returncode == 1
    assert out == b""
    assert err.startswith(b"escuta replay: The server closed the consultation"), err
