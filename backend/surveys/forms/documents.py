"""Documents of instruments and methods as TOML: read, write, find the line of a fault, list the changes between two.
Pure."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import chain
from typing import Any

from backend.errors import Invalid, _

MOST = 500_000
MOST_DEPTH = 20  # an instrument has five layers
# A key of many parts (a.a.a.a) costs the parser the square of their number, so it is refused before parsing.
MANY_PARTS = re.compile(rf"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MOST_DEPTH}}}""")
# JSONB does not keep the order of keys. This order is readable; other keys follow in the order of the document.
ORDER = ("code", "version", "value", "column", "weight", "name_vi", "name_en", "first_year", "last_year", "vi", "en")
NAMED_BY = ("code", "value")  # entries of a list are named by these keys, so an inserted entry renames no other


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value that differs. ``before`` or ``after`` is none where the document does not have it."""

    path: str
    before: str | None
    after: str | None


def read_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises Invalid with line and column of what is not TOML, or where the text is too long or too
    deep."""
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
        sentence = _("Dòng %(line)s, cột %(column)s: không đọc được như TOML.")
        raise Invalid(sentence, field="toml", line=line, column=column) from None
    except ValueError:  # Python refuses to convert a number that is too long
        raise Invalid(_("Có một con số dài hàng nghìn chữ số."), field="toml") from None
    if _is_deeper(document, MOST_DEPTH):
        raise _too_deep()
    return document


def check_length(text: str) -> None:
    """Raise Invalid for a text that is longer than any document."""
    if len(text) > MOST:
        raise Invalid(_("Nội dung dài quá %(most)s ký tự."), field="toml", most=MOST)


def _too_deep() -> Invalid:
    sentence = _("Nội dung lồng nhau quá %(most)s lớp; mẫu phiếu và phương pháp không cần sâu như vậy.")
    return Invalid(sentence, field="toml", most=MOST_DEPTH)


def _is_deeper(document: Mapping[str, Any], most: int) -> bool:
    """Return whether tables and lists are nested in more than ``most`` layers. Goes layer by layer, without
    recursion."""
    layer: list[Any] = [document]
    for _depth in range(most):
        layer = list(chain.from_iterable(map(_parts, layer)))
        if not layer:
            return False
    return True


def _parts(whole: Any) -> list[Any]:
    """Return the tables and lists that lie directly in a table or list."""
    values = whole.values() if isinstance(whole, dict) else whole
    return [value for value in values if isinstance(value, dict | list)]


def line_of(text: str, path: str) -> int | None:
    """Return the line, from 1, where the part at a path begins: ``question[1].items[0].column`` stands in the second
    ``[[question]]``, at the first entry of its ``items``. Where the last parts of a path are missing, return the line
    of the part before them; none where nothing of the path is there."""
    lines = text.splitlines()
    line, start, end = None, 0, len(lines)
    for name, index in re.findall(r"(\w+|\"[^\"]+\")(?:\[(\d+)\])?", path):
        offset = _find(lines[start:end], name.strip('"'), int(index) if index else None)
        if offset is None:
            break
        start, end = start + offset, _end(lines, start + offset, end)
        line = start + 1
    return line


def _find(lines: Sequence[str], name: str, index: int | None) -> int | None:
    """Return the position of the line where a key or table begins; with ``index``, of this entry of it."""
    word = re.escape(name)
    head = re.compile(rf"\s*(\[+\s*(\w+\.)?\"?{word}\"?\s*[\].]|{word}\s*=|.*[{{,]\s*{word}\s*=)")
    heads = [at for at, line in enumerate(lines) if head.match(line)]
    if not heads or index is None:
        return heads[0] if heads else None
    if lines[heads[0]].lstrip().startswith("[["):
        return heads[index] if index < len(heads) else None
    entries = [at for at in range(heads[0], len(lines)) if "{" in lines[at]]
    return entries[index] if index < len(entries) else heads[0]


def _end(lines: Sequence[str], at: int, end: int) -> int:
    """Return where the part that begins at a line ends: a table at the next one, a key with a value on its line after
    that line."""
    if not lines[at].lstrip().startswith("["):
        return end if lines[at].rstrip().endswith("[") else at + 1
    return next((n for n in range(at + 1, end) if lines[n].startswith("[")), end)


def list_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ValueChange]:
    """Return every value that was changed, added or removed, in the order of the earlier document."""
    old, new = dict(_flat(before)), dict(_flat(after))
    paths = [*old, *(path for path in new if path not in old)]
    return [ValueChange(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


def days_in(document: Mapping[str, Any]) -> Iterator[str]:
    """Return the paths of days and times: TOML has such values, stored documents (JSON) cannot have them."""
    return (path for path, value in _values(document, "") if isinstance(value, date | time))


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, value in _values(document, ""):
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def _values(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield path and value of every value that is neither a table nor a list."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _values(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for position, value in enumerate(node):
            name = _name_of(value)
            yield from _values(value, f"{path}[{position if name is None else name}]")
    else:
        yield path, node


def _name_of(entry: Any) -> Any:
    """Return the code or value by which an entry of a list is named; none where it has neither."""
    if not isinstance(entry, Mapping):
        return None
    return next((entry[key] for key in NAMED_BY if key in entry), None)


def write_toml(document: Mapping[str, Any]) -> str:
    """Return the document as TOML that reads back the same. Values come first, then tables; each entry of a list has
    its own line."""
    return "\n".join(_table(document, "")) + "\n"


def _table(raw: Mapping[str, Any], path: str) -> Iterator[str]:
    deeper = {key: value for key, value in raw.items() if isinstance(value, Mapping) or _is_tables(key, value)}
    yield from (f"{_key(key)} = {_value(value)}" for key, value in _order_items(raw) if key not in deeper)
    for key, value in deeper.items():
        name = f"{path}.{_key(key)}" if path else _key(key)
        if isinstance(value, list):
            yield from _entries(value, name)
        else:
            yield from _subtable(value, name)


def _entries(tables: Sequence[Mapping[str, Any]], name: str) -> Iterator[str]:
    for table in tables:
        yield from ("", f"[[{name}]]", *_table(table, name))


def _subtable(table: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the lines of a table. A table that holds nothing but tables needs no head."""
    only_tables = table and all(isinstance(value, Mapping) for value in table.values())
    if not only_tables:
        yield from ("", f"[{name}]")
    yield from _table(table, name)


def _order_items(raw: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(raw.items(), key=lambda pair: ORDER.index(pair[0]) if pair[0] in ORDER else len(ORDER))


def _is_tables(key: str, value: Any) -> bool:
    return key == "question" and isinstance(value, list)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(part)}" for key, part in _order_items(value)) + " }"
    if isinstance(value, list):
        if any(isinstance(entry, Mapping) for entry in value):
            return "[\n" + "".join(f"  {_value(entry)},\n" for entry in value) + "]"
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
