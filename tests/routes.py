"""The routes that an application declares, each with the action its policy dependency names."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from backend.users.policy import Permission


@dataclass(frozen=True)
class Declared:
    """One method of one path. ``actions`` is empty where the route names no policy."""

    method: str
    path: str
    actions: frozenset[Permission]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def declared(app: FastAPI) -> list[Declared]:
    """Every route, those of included routers too; HEAD goes with GET."""
    routes = []
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        actions = frozenset(_actions(dependant)) if dependant else frozenset()
        methods = sorted(set(getattr(route, "methods", None) or {"ANY"}) - {"HEAD"})
        routes += [Declared(method, str(route.path), actions) for method in methods]
    return routes


def _actions(dependant: Dependant) -> Iterator[Permission]:
    action = getattr(dependant.call, "action", None)
    if isinstance(action, Permission):
        yield action
    for inner in dependant.dependencies:
        yield from _actions(inner)
