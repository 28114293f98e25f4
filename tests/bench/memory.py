"""How much a measurement grows the process it runs in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

EVERY = 0.05  # seconds between two looks
MEGABYTE = 1024**2


@contextmanager
def growth() -> Iterator[list[float]]:
    """A list that holds, after the block, by how many MB the process was larger at most than at its beginning: what
    measurements before it left behind does not count."""
    process, over, grown = psutil.Process(), threading.Event(), [0.0]
    before = process.memory_info().rss

    def look() -> None:
        while not over.wait(EVERY):
            grown[0] = max(grown[0], (process.memory_info().rss - before) / MEGABYTE)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield grown
    finally:
        over.set()
        watcher.join()
