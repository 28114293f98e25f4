"""``langnghe up`` as a process: ready, stopped, killed, and started again on the same data."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from backend.devserver import homes, processes
from backend.settings import ROOT
from tests.waiting import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("up")]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Up:
    """One run of the command; ``told`` is what it printed so far."""

    process: subprocess.Popen[bytes]
    output: Path
    port: int

    @property
    def told(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_until_ready(self) -> None:
        wait_until(self.is_ready, 180, report=lambda: self.told)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.told
        return "Ready after" in self.told

    def home_page_status(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/")
        return connection.getresponse().status

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, sign: signal.Signals) -> int:
        self.process.send_signal(sign)
        return self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Shared by the starts of this file: the first prepares the data, the others find it."""
    folder = tmp_path_factory.mktemp("up")
    yield folder
    home = homes.home_of_cluster(folder, durable=True).folder
    if home.is_relative_to(homes.ROOTS_FOLDER):
        shutil.rmtree(home)


@pytest.fixture
def up(data_dir: Path) -> Iterator[Up]:
    started = start(data_dir, free_port())
    yield started
    if started.process.poll() is None:
        started.end(signal.SIGTERM)


def start(data_dir: Path, port: int) -> Up:
    ours = {key: value for key, value in os.environ.items() if not key.startswith("LANGNGHE_")}
    env = {**ours, "LANGNGHE_DATA_DIR": str(data_dir), "LANGNGHE_PORT": str(port)}
    output = data_dir / f"told-{port}.txt"
    process = processes.spawn_process([sys.executable, "-m", "backend.cli", "up"], log=output, env=env, cwd=ROOT)
    return Up(process, output, port)


def all_gone(family: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(family, timeout=20)[1]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_stops_everything_and_the_data_is_there_at_the_next_start(
    up: Up, sign: signal.Signals
) -> None:
    up.wait_until_ready()
    assert up.home_page_status() == http.client.OK
    family = up.family()
    names = " ".join(" ".join(process.cmdline()) for process in family)
    assert all(part in names for part in ("postgres", "uvicorn", "worker", "beat"))
    assert up.end(sign) == 0
    assert all_gone(family)
    assert up.told.rstrip().endswith("Stopped.")


def test_killed_it_leaves_nothing_in_the_way_of_the_next_start(up: Up, data_dir: Path) -> None:
    up.wait_until_ready()
    family = up.family()
    assert up.end(signal.SIGKILL) == -signal.SIGKILL
    if sys.platform == "linux":
        assert all_gone(family)
    again = start(data_dir, free_port())
    again.wait_until_ready()
    assert again.home_page_status() == http.client.OK
    assert again.end(signal.SIGTERM) == 0


def test_second_start_skips_schema_and_first_data(up: Up) -> None:
    up.wait_until_ready()
    assert up.told.startswith("Ready after")


def test_service_that_dies_is_named_and_ends_the_rest(up: Up) -> None:
    up.wait_until_ready()
    family = up.family()
    [beat] = [process for process in family if "beat" in process.cmdline()]
    beat.kill()
    assert up.process.wait(timeout=60) == 1
    assert "beat ended with code -9" in up.told
    assert all_gone(family)


def test_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        up = start(tmp_path, taken.getsockname()[1])
        assert up.process.wait(timeout=60) == 1
    assert "set LANGNGHE_PORT to a free port" in up.told
    assert list(tmp_path.iterdir()) == [up.output]
