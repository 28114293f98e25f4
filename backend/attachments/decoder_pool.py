"""The pool of decoders: at most a few pictures of this process are decoded at once, each in a process of its own.

A decoder is started for one picture and ends with it. So a picture that crashes, kills or fills its decoder costs that
picture alone, no memory stays behind, and there is no long-lived child to look after. Starting one takes 0.05 s of a
processor. It is started by exec and never by a plain fork: this process has threads.

A caller waits on a future and not in a thread that answers requests: ``DecoderPool.submit`` returns at once, or refuses
at once where no place is free.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Final, TypeVar

from backend.attachments.decoder_answer import TOO_HEAVY, EncodedPhoto, unpack_photo
from backend.attachments.picture_header import FIELD, unreadable
from backend.errors import Invalid, TooMany, _
from backend.settings import ROOT

DECODERS: Final = 2  # processes at once, for each web process
PLACES: Final = 48  # pictures that wait for one of them
PATIENCE: Final = 10.0  # seconds that a picture waits for a decoder
TIME_LIMIT: Final = 20.0  # seconds that a decoder may take, however busy the machine is
RETRY_AFTER: Final = 20  # seconds
COMMAND: Final = (sys.executable, "-m", "backend.attachments.decoder")
KILLED_FROM_OUTSIDE: Final = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}

Result = TypeVar("Result")
log = logging.getLogger("langnghe.photos")


class DecodersBusy(TooMany):
    """No decoder had time for the picture. The picture is fine and may be sent again."""

    def __init__(self) -> None:
        super().__init__(
            _("Máy chủ đang bận xử lý ảnh nên chưa nhận ảnh này. Xin chọn lại ảnh sau ít phút."),
            retry_after=RETRY_AFTER,
        )


class DecoderPool:
    """Places for pictures and the decoders at work. Safe for use by many threads."""

    def __init__(self, decoders: int = DECODERS, places: int = PLACES, time_limit: float = TIME_LIMIT) -> None:
        self._threads = ThreadPoolExecutor(decoders, thread_name_prefix="decoder")
        self._free = decoders + places
        self._time_limit = time_limit
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._turn = Lock()

    def submit(self, work: Callable[["DecoderPool"], Result]) -> Future[Result]:
        """Do ``work`` in one of the pool's threads, which it may use to ``decode`` a picture.

        Raises DecodersBusy at once where no place is free. The future raises it where the place came too late.
        """
        with self._turn:
            if self._closed or not self._free:
                raise DecodersBusy
            self._free -= 1
        latest = time.monotonic() + PATIENCE
        future = self._threads.submit(self._in_time, latest, work)
        future.add_done_callback(self._leave)
        return future

    def decode(self, content: bytes) -> EncodedPhoto:
        """Return the re-encoded picture. Call it from ``work`` alone: it waits for the decoder.

        A decoder that somebody else killed is started once more. Raises Invalid for a picture that cannot be read or
        costs too much, DecodersBusy where the time or the second decoder was lost as well.
        """
        for _attempt in range(2):
            with self._started() as process:
                code, output = self._answer_of(process, content)
            if code == 0:
                return unpack_photo(output)
            if code not in KILLED_FROM_OUTSIDE:
                raise _failure(code)
        log.warning("decoders are killed from outside; is there too little memory?")
        raise DecodersBusy

    def close(self) -> None:
        """Refuse what waits, end the decoders at work and the threads. A second call does nothing."""
        with self._turn:
            self._closed = True
            for process in self._running:
                process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _in_time(self, latest: float, work: Callable[["DecoderPool"], Result]) -> Result:
        if time.monotonic() > latest:
            raise DecodersBusy
        return work(self)

    def _leave(self, _future: object) -> None:
        with self._turn:
            self._free += 1

    @contextmanager
    def _started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start a decoder that ``close`` can end. It has always ended when the block ends."""
        command = subprocess.Popen(  # noqa: S603 - our own command, no shell
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd=ROOT,
        )
        with command as process:
            try:
                with self._turn:
                    self._running.add(process)
                    if self._closed:
                        raise DecodersBusy
                yield process
            finally:
                process.kill()
                with self._turn:
                    self._running.discard(process)

    def _answer_of(self, process: subprocess.Popen[bytes], content: bytes) -> tuple[int, bytes]:
        try:
            output, _nothing = process.communicate(content, timeout=self._time_limit)
        except subprocess.TimeoutExpired:
            log.warning("a decoder was ended after %d seconds", self._time_limit)
            raise DecodersBusy from None
        return process.returncode, output


def _environment() -> dict[str, str]:
    """Return the environment without our settings: a process that decodes strangers' pictures needs no secret."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LANGNGHE_")}


def _failure(code: int) -> Invalid:
    """Return why a decoder ended without an answer: it exceeded its limits, or a damaged picture crashed it."""
    if code in (-signal.SIGXCPU, TOO_HEAVY):
        return Invalid(_("Ảnh này quá nặng để xử lý. Xin chọn ảnh nhỏ hơn, hoặc chụp màn hình ảnh này."), field=FIELD)
    log.warning("a decoder ended with code %d", code)
    return unreadable()


@lru_cache
def decoder_pool() -> DecoderPool:
    """Return the pool of this process; the first picture creates it."""
    return DecoderPool()


def close_decoders() -> None:
    """End the pool of this process, if it has one. A later picture would create another one."""
    if decoder_pool.cache_info().currsize:
        decoder_pool().close()
        decoder_pool.cache_clear()


# A forked child (a worker of Celery) has no threads of its parent, so it creates its own pool.
os.register_at_fork(after_in_child=decoder_pool.cache_clear)
