"""What can be known about Dockerfile and compose.yaml without an engine."""

import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import jsonschema
import pytest
import yaml

from server.media.native import library_path
from server.settings import Settings
from tests.packaging import dockerfile
from tests.packaging.compose_schema import SCHEMA

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
COTURN_DOCKERFILE = ROOT / "coturn" / "Dockerfile"
COMPOSE = ROOT / "compose.yaml"
SETTINGS = {name.upper() for name in Settings.model_fields}
NOT_OURS = {"HF_HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(COMPOSE.read_text())


@pytest.fixture(scope="module")
def services(compose) -> dict:
    return compose["services"]


@pytest.mark.parametrize("path", [DOCKERFILE, COTURN_DOCKERFILE], ids=["app", "coturn"])
def test_everything_copied_exists(path):
    sources = dockerfile.copied_sources(path)
    assert sources
    assert [source for source in sources if not (path.parent / source).exists()] == []


def test_everything_copied_is_let_through_by_dockerignore():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    for source in dockerfile.copied_sources(DOCKERFILE):
        assert any(fnmatch(source.rstrip("/"), rule) or source.startswith(f"{rule}/") for rule in kept), source


def test_the_image_is_set_up_by_the_same_script_from_the_same_lock():
    steps = dockerfile.instructions(DOCKERFILE)
    assert ("RUN", "scripts/setup") in steps
    assert {"requirements/base.lock", "scripts/setup", "scripts/lib.sh"} <= set(dockerfile.copied_sources(DOCKERFILE))
    assert not any("pip install" in rest for _, rest in steps)


def test_the_image_gets_the_media_helper_that_its_own_stage_builds():
    steps = dockerfile.instructions(DOCKERFILE)
    stage = steps[steps.index(("FROM", "build AS helper")) :]
    assert ("RUN", ".venv/bin/python -m server.media.native") in stage
    copied = next(rest.split()[1] for word, rest in stage if word == "COPY" and "--from=helper" in rest)
    assert fnmatch(str(library_path().relative_to(ROOT)), copied.removeprefix("/app/"))


def test_all_stages_have_the_same_python_and_one_the_project_supports():
    stages = [rest.split() for word, rest in dockerfile.instructions(DOCKERFILE) if word == "FROM"]
    named = {stage[2] for stage in stages if len(stage) == 3}
    images = {stage[0] for stage in stages} - named
    assert len(images) == 1
    version = re.fullmatch(r"python:3\.(\d+)-slim-bookworm", images.pop())
    assert version
    assert 11 <= int(version[1]) <= 13


def test_the_image_does_not_run_as_root_and_writes_to_its_volumes_only():
    steps = dict(dockerfile.instructions(DOCKERFILE))
    assert int(steps["USER"].split(":")[0]) > 0
    variables = dockerfile.environment(DOCKERFILE)
    assert set(json.loads(steps["VOLUME"])) == {variables["DATA_DIR"], variables["RECORDINGS_DIR"]}


def test_the_health_check_is_python_and_asks_for_healthz():
    steps = dict(dockerfile.instructions(DOCKERFILE))
    command = json.loads(steps["HEALTHCHECK"].partition("CMD ")[2])
    assert command[0] == json.loads(steps["ENTRYPOINT"])[0]
    compile(command[2], "healthcheck", "exec")
    assert "/healthz" in command[2]


def test_variables_of_the_image_are_settings():
    assert set(dockerfile.environment(DOCKERFILE)) - NOT_OURS <= SETTINGS


def test_compose_is_well_formed(compose):
    jsonschema.Draft202012Validator(SCHEMA).validate(compose)


def test_compose_names_only_services_and_volumes_it_has(compose, services):
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= set(compose["volumes"])


def test_every_service_is_locked_down(services):
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "/tmp" in service["tmpfs"], name
        if "build" in service:
            steps = dict(dockerfile.instructions(ROOT / service["build"] / "Dockerfile"))
            assert steps["USER"] not in {"root", "0"}, name
        else:
            assert service["user"] not in {"root", "0"}, name


def test_every_service_has_a_health_check(services):
    for name, service in services.items():
        built_in = "build" in service and "HEALTHCHECK" in dict(
            dockerfile.instructions(ROOT / service["build"] / "Dockerfile")
        )
        assert "healthcheck" in service or built_in, name


def test_what_compose_waits_for_has_a_health_check(services):
    for service in services.values():
        for other in service.get("depends_on", {}):
            assert "healthcheck" in services[other]


def test_variables_of_the_app_are_settings(services):
    assert set(services["app"]["environment"]) <= SETTINGS


def test_variables_of_coturn_are_those_its_start_reads(services):
    known = set(re.findall(r"^(TURN_\w+)=", (ROOT / "coturn" / "start").read_text(), re.MULTILINE))
    assert set(services["coturn"]["environment"]) <= known


def test_what_compose_asks_for_is_explained_at_its_head():
    text = COMPOSE.read_text()
    head = text[: text.index("\nname:")]
    required = set(re.findall(r"\$\{(\w+):\?", text))
    assert required == {"ADVERTISED_IP", "POSTGRES_PASSWORD", "TURN_SECRET"}
    assert all(re.search(rf"^#   {name}=", head, re.MULTILINE) for name in required)


def test_no_secret_is_written_down(services):
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|KEY|DATABASE_URL", name):
                assert "${" in value, name


def test_ports_agree_between_image_and_compose(services):
    image = dockerfile.environment(DOCKERFILE)
    app = services["app"]["environment"]
    for name in ("PORT", "UDP_PORT_MIN", "UDP_PORT_MAX", "DATA_DIR", "RECORDINGS_DIR"):
        assert app[name] == image[name]
    media = f"{image['UDP_PORT_MIN']}-{image['UDP_PORT_MAX']}"
    exposed = {rest for word, rest in dockerfile.instructions(DOCKERFILE) if word == "EXPOSE"}
    assert exposed == {f"{image['PORT']}/tcp", f"{media}/udp"}
    assert services["app"]["ports"] == [f"127.0.0.1:{image['PORT']}:{image['PORT']}/tcp", f"{media}:{media}/udp"]
    assert {volume.partition(":")[2] for volume in services["app"]["volumes"]} == {
        image["DATA_DIR"],
        image["RECORDINGS_DIR"],
    }


def test_ports_of_coturn_agree():
    start = (ROOT / "coturn" / "start").read_text()
    defaults = dict(re.findall(r"^(TURN_\w*PORT)=\$\{\w+:-(\d+)\}", start, re.MULTILINE))
    exposed = {
        port
        for word, rest in dockerfile.instructions(COTURN_DOCKERFILE)
        if word == "EXPOSE"
        for port in shlex.split(rest)
    }
    assert exposed == {
        f"{defaults['TURN_PORT']}/tcp",
        f"{defaults['TURN_PORT']}/udp",
        f"{defaults['TURN_TLS_PORT']}/tcp",
        f"{defaults['TURN_TLS_PORT']}/udp",
        f"{defaults['TURN_MIN_PORT']}-{defaults['TURN_MAX_PORT']}/udp",
    }
