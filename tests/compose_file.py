"""Reads docker-compose.yml the way Compose does, as far as this project uses it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from backend.settings import ROOT

VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")


def load() -> dict[str, Any]:
    """The file as written, YAML anchors and merge keys resolved."""
    content: dict[str, Any] = yaml.safe_load(Path(ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return content


def required_variables(text: str) -> set[str]:
    """Names without which Compose refuses to start: ``${NAME:?why}``."""
    return {found["name"] for found in VARIABLE.finditer(text) if found["kind"] == "?"}


def interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    """``$$``, ``${NAME:?why}`` and ``${NAME:-default}`` in every string below ``value``; KeyError without a name."""
    if isinstance(value, dict):
        return {key: interpolate(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [interpolate(part, variables) for part in value]
    return VARIABLE.sub(lambda found: _one(found, variables), value) if isinstance(value, str) else value


def _one(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found[0] == "$$":
        return "$"
    if found["kind"] == "-":
        return variables.get(found["name"]) or found["rest"]
    return variables[found["name"]]
