"""The packaged model is joined once, checked, and said to be wrong when it is."""

import shutil
from pathlib import Path

import pytest

from server.model.errors import SpeechUnavailable
from server.speech import model_files
from server.speech.model_files import model_folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    model_folder("base", folder)
    return folder


def test_base_is_joined_from_its_packages_with_progress(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = model_folder("base", tmp_path, lambda done, whole: told.append((done, whole)))
    assert (folder / "model.bin").stat().st_size == 145_217_532
    assert told[-1] == (145_217_532, 145_217_532)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert not list(folder.glob(".*"))


def test_a_second_time_nothing_is_written(models: Path) -> None:
    before = (models / "whisper-base" / "model.bin").stat().st_mtime_ns
    model_folder("base", models, lambda done, whole: pytest.fail("joined again"))
    assert (models / "whisper-base" / "model.bin").stat().st_mtime_ns == before


@pytest.mark.parametrize("fault", ["shortened", "missing", "no marker"])
def test_a_folder_that_was_meddled_with_is_joined_again(models: Path, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "whisper-base"
    shutil.copytree(models / "whisper-base", folder)
    match fault:
        case "shortened":
            (folder / "model.bin").write_bytes(b"half")
        case "missing":
            (folder / "tokenizer.json").unlink()
        case _:
            (folder / "verified.sha256").unlink()
    model_folder("base", tmp_path)
    assert (folder / "model.bin").stat().st_size == 145_217_532
    assert (folder / "tokenizer.json").is_file()


def test_a_package_with_other_content_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(model_files._SHA256, "model.bin", "0" * 64)
    with pytest.raises(SpeechUnavailable, match=r"model\.bin has sha256 d01c3014"):
        model_folder("base", tmp_path)
    assert not (tmp_path / "whisper-base" / "model.bin").exists()


def test_a_folder_of_ones_own_is_taken_as_it_is(models: Path, tmp_path: Path) -> None:
    own = models / "whisper-base"
    assert model_folder(str(own), tmp_path) == own


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechUnavailable, match=r"without model\.bin"):
        model_folder(str(tmp_path), tmp_path)


def test_a_path_that_does_not_exist_is_not_looked_for_at_the_hub(tmp_path: Path) -> None:
    with pytest.raises(SpeechUnavailable, match="no such folder"):
        model_folder(str(tmp_path / "nowhere"), tmp_path)


def test_a_name_that_the_hub_cannot_give_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection(name: str, cache_dir: str) -> str:
        raise ConnectionError("no route to host")

    monkeypatch.setattr("faster_whisper.utils.download_model", no_connection)
    with pytest.raises(SpeechUnavailable, match="'large-v3', which could not be fetched"):
        model_folder("large-v3", tmp_path)
