"""Heavy photos from many connections at once: whether pages still answer meanwhile, and what memory it takes."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import NamedTuple

import psutil
from PIL import Image

from backend.users.models import Role
from tests.bench.pages import sign_in
from tests.bench.stage import Stage, hire

CONNECTIONS = 44
PHOTOS = 3
EVERY = 0.05  # seconds between two looks
QUIET = 10.0  # seconds without photos, to compare with
MEGABYTE = 1024**2
BOUNDARY = "langnghe-bench"
HEADERS = {
    "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    "Sec-Fetch-Site": "same-origin",
    "Accept": "text/html",
}


class FormAnswer(NamedTuple):
    """The answer to a form: its status, and the seconds it took."""

    status: int
    seconds: float


class MemoryUse(NamedTuple):
    """Megabytes of the largest web process and of all decoders together, at most."""

    web: float
    decoders: float


def run(stage: Stage) -> list[str]:
    """Rows of the table, for each kind of picture."""
    hire(stage.database_url)
    rows = ["| Photos | answers | slowest answer s | slowest /healthz ms | slowest inbox ms | web MB | decoders MB |"]
    rows.append("|---|---|---|---|---|---|---|")
    rows.append(_measured(stage, "none", _do_nothing))
    for name, picture in (("5 kB, 40 megapixels (PNG)", flat_picture()), ("9 MB, 50 megapixels (JPEG)", phone_photo())):
        body = _form(picture)
        rows.append(_measured(stage, f"{CONNECTIONS} forms of {PHOTOS}, each {name}", partial(_send_all, stage, body)))
    return rows


def flat_picture() -> bytes:
    """A picture that is tiny on the wire and large when it is decoded."""
    packed = BytesIO()
    Image.new("P", (8000, 5000)).save(packed, "PNG")
    return packed.getvalue()


def phone_photo() -> bytes:
    """A picture as a phone of 50 megapixels takes it."""
    noise = Image.effect_noise((1020, 768), 60)
    colours = Image.merge("RGB", (noise, noise.rotate(180), noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    packed = BytesIO()
    colours.resize((8160, 6144), Image.Resampling.BILINEAR).save(packed, "JPEG", quality=80)
    return packed.getvalue()


def _measured(stage: Stage, name: str, act: Callable[[], list[FormAnswer]]) -> str:
    """Look at pages and memory while something is done."""
    over = threading.Event()
    cookie = sign_in(http.client.HTTPConnection(stage.address, timeout=60), Role.COORDINATOR)
    with ThreadPoolExecutor(3) as threads:
        health = threads.submit(_slowest, stage.address, "/healthz", "", over)
        inbox = threads.submit(_slowest, stage.address, "/hop-thu", cookie, over)
        memory = threads.submit(_most_memory, stage.web_pid, over)
        try:
            answers = act()
        finally:
            over.set()
    statuses = Counter(answer.status for answer in answers)
    counted = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    slowest = max((answer.seconds for answer in answers), default=0.0)
    pages = f"{health.result() * 1000:.0f} | {inbox.result() * 1000:.0f}"
    web, decoders = memory.result()
    return f"| {name} | {counted} | {slowest:.1f} | {pages} | {web:.0f} | {decoders:.0f} |"


def _do_nothing() -> list[FormAnswer]:
    time.sleep(QUIET)
    return []


def _send_all(stage: Stage, body: bytes) -> list[FormAnswer]:
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return list(threads.map(lambda _n: _send(stage.address, body), range(CONNECTIONS)))


def _form(picture: bytes) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="title"\r\n\r\nỔ gà trước cổng chợ\r\n'.encode(),
    ]
    for place in range(PHOTOS):
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photos"; filename="{place}.img"\r\n'
        parts.append(head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + picture + b"\r\n")
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def _send(address: str, body: bytes) -> FormAnswer:
    """One form; it lacks a unit, so that it comes back with its photos."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(address, timeout=300)
    connection.request("POST", "/gui/xem-lai", body, HEADERS)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return FormAnswer(answer.status, time.perf_counter() - began)


def _slowest(address: str, path: str, cookie: str, over: threading.Event) -> float:
    """Seconds of the slowest answer, each asked on a connection of its own as different readers do."""
    slowest = 0.0
    while not over.wait(EVERY):
        began = time.perf_counter()
        connection = http.client.HTTPConnection(address, timeout=300)
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status}")
        slowest = max(slowest, time.perf_counter() - began)
    return slowest


def _most_memory(web_pid: int, over: threading.Event) -> MemoryUse:
    most = MemoryUse(0.0, 0.0)
    while not over.wait(EVERY):
        sizes: list[tuple[bool, float]] = []
        for process in [psutil.Process(web_pid), *psutil.Process(web_pid).children(recursive=True)]:
            try:
                decodes = any("decoder" in part for part in process.cmdline())
                sizes.append((decodes, process.memory_info().rss / MEGABYTE))
            except psutil.Error:
                continue
        web = max((size for decodes, size in sizes if not decodes), default=0.0)
        most = MemoryUse(max(most.web, web), max(most.decoders, sum(size for decodes, size in sizes if decodes)))
    return most
