"""Documents of instruments and methods as TOML: read and written, where a fault stands, what changed between two.
Pure."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from backend.errors import Invalid, _

MOST = 500_000
MOST_DEPTH = 20  # an instrument is five deep
# A key of many parts (a.a.a.a) costs the parser the square of their number, and is refused before.
MANY_PARTS = re.compile(rf"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MOST_DEPTH}}}""")
# The database does not keep the order of keys; this one is readable. Others follow as they come.
ORDER = ("code", "version", "value", "column", "weight", "name_vi", "name_en", "first_year", "last_year", "vi", "en")
NAMED_BY = ("code", "value")  # by which the entries of a list are told apart, so that an inserted one moves none


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value that differs; none where it is absent."""

    path: str
    before: str | None
    after: str | None


def read_toml(text: str) -> dict[str, Any]:
    """The parsed text. Raises Invalid, with the line of what is no TOML."""
    check_length(text)
    if MANY_PARTS.search(text):
        raise _too_deep()
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+), column (\d+)", str(error))
        line, column = at.groups() if at else (text.count("\n") + 1, "–")
        said = _("Dòng %(line)s, cột %(column)s: không đọc được như TOML.")
        raise Invalid(said, field="toml", line=line, column=column) from None
    except ValueError:  # what Python says of a number too long to convert
        raise Invalid(_("Có một con số dài hàng nghìn chữ số."), field="toml") from None
    if _is_deeper(document, MOST_DEPTH):
        raise _too_deep()
    return document


def check_length(text: str) -> None:
    """Raises Invalid for a text longer than any document."""
    if len(text) > MOST:
        raise Invalid(_("Nội dung dài quá %(most)s ký tự."), field="toml", most=MOST)


def _too_deep() -> Invalid:
    said = _("Nội dung lồng nhau quá %(most)s lớp; mẫu phiếu và phương pháp không cần sâu như vậy.")
    return Invalid(said, field="toml", most=MOST_DEPTH)


def _is_deeper(document: Mapping[str, Any], most: int) -> bool:
    """Whether tables and lists lie in one another more than ``most`` deep. Layer by layer, without recursion."""
    layer: list[Any] = [document]
    for _depth in range(most):
        layer = [part for whole in layer for part in _parts(whole)]
        if not layer:
            return False
    return True


def _parts(whole: Any) -> list[Any]:
    values = whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ()
    return [value for value in values if isinstance(value, dict | list)]


def line_of(text: str, path: str) -> int | None:
    """The line where the part of a path begins: ``question[2].items[0].column`` stands in the second ``[[question]]``,
    at the first entry of its ``items``. None for what is not there."""
    lines = text.splitlines()
    line, at, end = None, 0, len(lines)
    for name, place in re.findall(r"(\w+|\"[^\"]+\")(?:\[(\d+)\])?", path):
        found = _find(lines[at:end], name.strip('"'), int(place) if place else None)
        if found is None:
            break
        at, end = at + found, _end(lines, at + found, end)
        line = at + 1
    return line


def _find(lines: Sequence[str], name: str, place: int | None) -> int | None:
    word = re.escape(name)
    head = re.compile(rf"\s*(\[+\s*(\w+\.)?\"?{word}\"?\s*[\].]|{word}\s*=|.*[{{,]\s*{word}\s*=)")
    found = [at for at, line in enumerate(lines) if head.match(line)]
    if not found or place is None:
        return found[0] if found else None
    if lines[found[0]].lstrip().startswith("[["):
        return found[place] if place < len(found) else None
    entries = [at for at in range(found[0], len(lines)) if "{" in lines[at]]
    return entries[place] if place < len(entries) else found[0]


def _end(lines: Sequence[str], at: int, end: int) -> int:
    """A table reaches to the next one; a line of its own is its own end."""
    if not lines[at].lstrip().startswith("["):
        return end if lines[at].rstrip().endswith("[") else at + 1
    return next((n for n in range(at + 1, end) if lines[n].startswith("[")), end)


def list_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ValueChange]:
    """Every value that was changed, added or removed, in the order of the earlier document."""
    old, new = dict(_flat(before)), dict(_flat(after))
    every = [*old, *(path for path in new if path not in old)]
    return [ValueChange(path, old.get(path), new.get(path)) for path in every if old.get(path) != new.get(path)]


def days_in(document: Mapping[str, Any]) -> Iterator[str]:
    """Paths of days and times: TOML has them, documents as they are stored have not."""
    return (path for path, value in _values(document, "") if isinstance(value, date | time))


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, value in _values(document, ""):
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def _values(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _values(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            named = isinstance(value, Mapping) and next((value[key] for key in NAMED_BY if key in value), None)
            yield from _values(value, f"{path}[{place if named is None or named is False else named}]")
    else:
        yield path, node


def write_toml(document: Mapping[str, Any]) -> str:
    """The document as TOML that reads back the same: values first, then tables, entries of lists on a line each."""
    return "\n".join(_table(document, "")) + "\n"


def _table(raw: Mapping[str, Any], path: str) -> Iterator[str]:
    deeper = {key: value for key, value in raw.items() if isinstance(value, Mapping) or _is_tables(key, value)}
    yield from (f"{_key(key)} = {_value(value)}" for key, value in _order_items(raw) if key not in deeper)
    for key, value in deeper.items():
        name = f"{path}.{_key(key)}" if path else _key(key)
        if isinstance(value, list):
            for one in value:
                yield from ("", f"[[{name}]]", *_table(one, name))
        elif any(not isinstance(one, Mapping) for one in value.values()) or not value:
            yield from ("", f"[{name}]", *_table(value, name))
        else:
            yield from _table(value, name)


def _order_items(raw: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(raw.items(), key=lambda pair: ORDER.index(pair[0]) if pair[0] in ORDER else len(ORDER))


def _is_tables(key: str, value: Any) -> bool:
    return key == "question" and isinstance(value, list)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in _order_items(value)) + " }"
    if isinstance(value, list):
        if any(isinstance(one, Mapping) for one in value):
            return "[\n" + "".join(f"  {_value(one)},\n" for one in value) + "]"
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
