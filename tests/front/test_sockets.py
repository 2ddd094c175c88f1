"""The folder between front and workers is private, short enough for sockets, and gone afterwards."""

from pathlib import Path

from server.front.sockets import LONGEST_NAME, PATH_LIMIT_BYTES, listening_socket, socket_folder


def test_the_folder_lies_in_the_data_folder_and_is_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "d"
    data.mkdir()
    with socket_folder(data) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        if len(str(data / "run" / LONGEST_NAME)) <= PATH_LIMIT_BYTES:
            assert folder == data / "run"
    assert not folder.exists()


def test_a_folder_too_deep_for_sockets_is_replaced_by_a_private_temporary_one(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    with socket_folder(deep) as folder:
        assert not folder.is_relative_to(deep)
        assert folder.stat().st_mode & 0o777 == 0o700
        with listening_socket(folder / "speech"), listening_socket(folder / "other"):
            pass
    assert not folder.exists()


def test_a_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    with socket_folder(tmp_path) as folder:
        with listening_socket(folder / "speech"):
            pass
        with listening_socket(folder / "speech") as again:
            assert again.getsockname() == str(folder / "speech")
