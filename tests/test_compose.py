"""docker-compose.yml and the Dockerfile: valid, and as closed as they say."""

import json
import re
from importlib.util import find_spec
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from backend.devserver.supervisor import Supervisor
from backend.settings import ROOT, Settings
from backend.worker import QUEUES
from tests import compose_file
from tests.places import DATA

SCHEMA = DATA / "compose-spec" / "compose-spec.json"
OURS = {"migrate", "web", "worker", "beat", "bot"}
SERVICES = {**compose_file.load()["services"]}
INSTRUCTION = re.compile(r"^([A-Z]+) (.+)$")


def dockerfile() -> list[tuple[str, str]]:
    """Instructions in order, continued lines joined, comments left out."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("\\\n", " ")
    return [(found[1], found[2]) for line in text.splitlines() if (found := INSTRUCTION.match(line))]


def module_of(command: list[str]) -> str:
    return command[command.index("-m") + 1]


def test_compose_file_is_valid_by_the_specification() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(compose_file.load())] == []


def test_schema_refuses_a_misspelt_key() -> None:
    broken = compose_file.load()
    broken["services"]["web"]["healthchek"] = {}
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert not validator.is_valid(broken)


def test_every_service_of_the_system_is_there() -> None:
    assert set(SERVICES) == OURS | {"db", "redis", "proxy"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_service_of_ours_can_write_nowhere_and_gain_nothing(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert "ports" not in service


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_service_that_stays_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(OURS - {"migrate"}))
def test_service_waits_for_the_migration(name: str) -> None:
    assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_only_the_proxy_is_open_to_the_world_and_the_database_reaches_nobody() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}
    assert SERVICES["db"]["networks"] == SERVICES["redis"]["networks"] == ["inside"]
    assert compose_file.load()["networks"]["inside"] == {"internal": True}
    assert "inside" not in SERVICES["proxy"]["networks"]


def test_no_secret_has_a_default_and_the_example_names_each() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    required = compose_file.required_variables(text)
    assert {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "LANGNGHE_SECRET_KEY"} <= required
    example = dict(
        line.split("=", 1)
        for line in (ROOT / "deploy" / "env.example").read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert required <= set(example)
    assert {example[name] for name in required if re.search("PASSWORD|SECRET|KEY", name)} == {""}


def test_the_key_that_signs_the_history_is_with_the_worker_alone() -> None:
    assert [name for name in OURS if "LANGNGHE_SIGNING_KEY" in SERVICES[name]["environment"]] == ["worker"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_environment_is_one_the_settings_accept(name: str) -> None:
    variables = dict.fromkeys(("POSTGRES_PASSWORD", "REDIS_PASSWORD", "LANGNGHE_SECRET_KEY"), "x" * 40)
    variables |= {"LANGNGHE_DOMAIN": "phananh.example.vn", "LANGNGHE_SMTP_URL": "smtp://mail"}
    variables |= {"LANGNGHE_MAIL_FROM": "a@example.vn", "LANGNGHE_SIGNING_KEY": "/data/keys/own.pem"}
    environment: dict[str, Any] = compose_file.interpolate(SERVICES[name]["environment"], variables)
    known = {f"LANGNGHE_{field.upper()}" for field in Settings.model_fields}
    assert set(environment) <= known
    settings = Settings(**{key.removeprefix("LANGNGHE_").lower(): value for key, value in environment.items()})
    assert settings.environment == "production"
    assert settings.secret_key == SecretStr("x" * 40)


@pytest.mark.parametrize("name", sorted(OURS - {"migrate"}))
def test_command_runs_a_module_that_exists(name: str) -> None:
    assert find_spec(module_of(SERVICES[name]["command"])) is not None


def test_workers_listen_to_every_queue() -> None:
    worker = SERVICES["worker"]["command"]
    assert worker[worker.index("--queues") + 1] == ",".join(QUEUES)
    here = Supervisor(Settings(), print).services()["worker"]
    assert here[here.index("--queues") + 1] == ",".join(QUEUES)


def test_image_is_built_in_stages_and_runs_as_nobody_in_particular() -> None:
    instructions = dockerfile()
    stages = [value for word, value in instructions if word == "FROM"]
    assert len(stages) == 2
    assert len({stage.split()[0] for stage in stages}) == 1
    last_user = [value for word, value in instructions if word == "USER"][-1]
    assert last_user.split(":")[0].isdigit() and last_user != "0:0"
    copied = {value.split()[0] for word, value in instructions if word == "COPY" and "--from" not in value}
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in copied} <= set(ignored)


def test_image_installs_only_what_the_lock_names_by_hash() -> None:
    installs = [value for word, value in dockerfile() if word == "RUN" and "pip install" in value]
    assert len(installs) == 1
    assert "--require-hashes -r requirements.lock" in installs[0]


def test_image_starts_the_web_server_by_default() -> None:
    [command] = [json.loads(value) for word, value in dockerfile() if word == "CMD"]
    web = SERVICES["web"]["command"]
    assert command == web[: len(command)]
