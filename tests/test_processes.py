"""Each service of ours started by the very command and environment docker-compose.yml gives it, against PostgreSQL and
Redis of the distribution: the site answers, a message leaves by e-mail, the bot reaches its server."""

import http.client
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from backend import db
from backend.devserver import processes
from backend.settings import ROOT
from tests import compose_file, debian_servers
from tests.bot_api_server import TOKEN, BotApiServer
from tests.debian_servers import free_port
from tests.factories import World
from tests.smtp_server import SmtpServer
from tests.waiting import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("deployment")]

SECRET = "0123456789abcdef" * 3


@dataclass
class Deployment:
    """The host of the services: what ``.env`` says, and which address stands for which container."""

    variables: dict[str, str]
    places: dict[str, str]
    logs: Path
    redis: debian_servers.RedisServer
    mail: SmtpServer
    bot_api: BotApiServer
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> subprocess.Popen[bytes]:
        service = compose_file.interpolate(compose_file.load()["services"][name], self.variables)
        command = [self._here(part) for part in service["command"]]
        environment = {key: self._here(value) for key, value in service["environment"].items()}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.running[name] = processes.spawn_process(
            command, log=self.log(name), env=environment | {"PATH": path}, cwd=ROOT
        )
        return self.running[name]

    def _here(self, text: str) -> str:
        for container, place in self.places.items():
            text = text.replace(container, place)
        return text

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def expect_running(self, name: str) -> None:
        assert self.running[name].poll() is None, processes.last_lines(self.log(name), 40)

    @property
    def port(self) -> int:
        return int(self.places["8000"])

    @property
    def database_url(self) -> str:
        written = compose_file.load()["services"]["web"]["environment"]["LANGNGHE_DATABASE_URL"]
        return self._here(str(compose_file.interpolate(written, self.variables)))


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Servers up, migrated, the standing services started."""
    folder = tmp_path_factory.mktemp("deployment")
    password = "secret0word"
    with (
        debian_servers.postgres(password) as database_port,
        debian_servers.redis(password, folder) as redis,
        SmtpServer() as mail,
        BotApiServer() as bot_api,
    ):
        variables = {
            "POSTGRES_PASSWORD": password,
            "REDIS_PASSWORD": password,
            "LANGNGHE_SECRET_KEY": SECRET,
            "LANGNGHE_SIGNING_KEY": "/data/keys/own.pem",
            "LANGNGHE_DOMAIN": "phananh.example.vn",
            "LANGNGHE_SMTP_URL": mail.url,
            "LANGNGHE_MAIL_FROM": "Lắng Nghe <khong-tra-loi@example.vn>",
            "LANGNGHE_TELEGRAM_TOKEN": TOKEN,
            "LANGNGHE_TELEGRAM_API_URL": bot_api.url,
        }
        places = {
            "@db:5432": f"@127.0.0.1:{database_port}",
            "@redis:6379": f"@127.0.0.1:{redis.port}",
            "0.0.0.0": "127.0.0.1",
            "8000": str(free_port()),
            "/tmp/": f"{folder}/",
            "/data": str(folder / "data"),
        }
        found = Deployment(variables, places, folder / "log", redis, mail, bot_api)
        try:
            assert found.start("migrate").wait(timeout=120) == 0, processes.last_lines(found.log("migrate"), 40)
            for name in ("web", "worker", "beat"):
                found.start(name)
            yield found
        finally:
            processes.stop_processes(found.running.values(), patience=20)


def answer(deployment: Deployment, path: str) -> int:
    deployment.expect_running("web")
    connection = http.client.HTTPConnection("127.0.0.1", deployment.port, timeout=10)
    connection.request("GET", path, headers={"Host": "phananh.example.vn", "X-Forwarded-Proto": "https"})
    return connection.getresponse().status


def receive_feedback(deployment: Deployment, email: str) -> str:
    """Feedback with an e-mail address comes in; its number."""
    engine = create_engine(deployment.database_url)
    factory = sessionmaker(engine, expire_on_commit=False)
    with pytest.MonkeyPatch.context() as patch, factory() as session, session.begin():
        patch.setattr(db, "session_factory", lambda: factory)
        ticket, _secret = World(session).receive(datetime.now(UTC), email=email)
        number = ticket.number
    engine.dispose()
    return number


def arrived(deployment: Deployment, email: str, number: str) -> Callable[[], bool]:
    def look() -> bool:
        for name in ("worker", "beat"):
            deployment.expect_running(name)
        return any(email in str(mail["To"]) and number in str(mail) for mail in deployment.mail.mails)

    return look


@pytest.mark.parametrize("path", ["/healthz", "/"])
def test_web_answers(deployment: Deployment, path: str) -> None:
    wait_until(lambda: answer(deployment, path) == http.client.OK)


def test_message_in_the_outbox_leaves_by_beat_worker_and_mail_server(deployment: Deployment) -> None:
    number = receive_feedback(deployment, "mot@example.vn")
    wait_until(arrived(deployment, "mot@example.vn", number))


def test_message_received_while_the_broker_is_down_is_sent_when_it_is_back(deployment: Deployment) -> None:
    deployment.redis.stop()
    number = receive_feedback(deployment, "hai@example.vn")
    assert not arrived(deployment, "hai@example.vn", number)()
    deployment.redis.start()
    wait_until(arrived(deployment, "hai@example.vn", number), patience=90)


def test_bot_asks_its_server_for_updates(deployment: Deployment) -> None:
    deployment.start("bot")

    def asked() -> bool:
        deployment.expect_running("bot")
        return any(method == "getUpdates" for method, _fields in deployment.bot_api.calls)

    wait_until(asked)
