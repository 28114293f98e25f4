"""Work on threads of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

from backend.errors import DomainError


def at_once(people: int, act: Callable[[int], object]) -> list[object]:
    """Let ``people`` threads act at the same moment; what each came to, a refusal included."""
    barrier = Barrier(people)

    def one(i: int) -> object:
        barrier.wait()
        try:
            return act(i)
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(people) as pool:
        return list(pool.map(one, range(people)))


T = TypeVar("T")


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """On a thread of its own: a browser of another test may have left a loop running on this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
