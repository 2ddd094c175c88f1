"""The leak detector itself, run over small test files."""

import textwrap

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def outcome(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Run one test file in a pytest of its own and return its result."""

    monkeypatch.setenv("LEAK_SETTLE_S", "0.3")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # plugins that have no part in it take seconds to load

    def run(source: str) -> pytest.RunResult:
        pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
        pytester.makepyfile(textwrap.dedent(source))
        return pytester.runpytest_subprocess(
            "-p", "pytest_asyncio.plugin", "-p", "tests.leaks", "-p", "no:cacheprovider"
        )

    return run


def test_each_kind_of_leak_fails_its_test_and_is_named(outcome):
    result = outcome(
        """
        import asyncio, socket, subprocess, threading, time

        kept = []

        async def test_task():
            asyncio.create_task(asyncio.sleep(60), name="forgotten")

        def test_socket():
            kept.append(socket.create_server(("127.0.0.1", 0)))

        def test_process():
            kept.append(subprocess.Popen(["sleep", "30"]))

        def test_thread():
            threading.Thread(target=time.sleep, args=(3,), name="forgotten").start()

        def test_after_them_is_not_blamed():
            kept[1].kill()
            kept[1].wait()
        """
    )
    result.assert_outcomes(passed=5, errors=4)
    result.stdout.fnmatch_lines(
        [
            "*left behind: task forgotten*",
            "*left behind: tcp socket on port*",
            "*left behind: process *sleep 30*",
            "*left behind: thread forgotten*",
        ]
    )


def test_what_is_closed_or_belongs_to_a_wider_fixture_is_no_leak(outcome):
    result = outcome(
        """
        import asyncio, socket, subprocess, threading
        import pytest

        @pytest.fixture(scope="session")
        def server():
            with socket.create_server(("127.0.0.1", 0)) as listening:
                yield listening

        @pytest.fixture
        async def connection(server):
            reader, writer = await asyncio.open_connection(*server.getsockname())
            yield writer
            writer.close()
            await writer.wait_closed()

        async def test_async(connection):
            await asyncio.to_thread(connection.get_extra_info, "peername")
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(0))

        def test_sync(server):
            thread = threading.Thread(target=len, args=("",))
            thread.start()
            subprocess.run(["true"], check=True)
        """
    )
    result.assert_outcomes(passed=2)


def test_a_failing_test_is_not_blamed_twice(outcome):
    result = outcome(
        """
        import socket

        kept = []

        def test_it():
            kept.append(socket.socket())
            assert not kept
        """
    )
    result.assert_outcomes(failed=1)
