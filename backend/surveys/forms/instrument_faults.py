"""The faults of the document of an instrument, each as a sentence with its path (question[1].items[0].column). Pure.

`backend.surveys.forms.instruments` asks here before it builds an instrument.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from backend.errors import Invalid, _

KINDS: Final = ("scale", "single", "multiple", "yes_no")
ASPECTS: Final = ("perception", "satisfaction", "expectation")
CODE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
VERSION: Final = re.compile(r"[a-z0-9][a-z0-9.]{0,19}")
COLUMN: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
MOST_OPTIONS: Final = 15  # a multiple choice is stored as the bits of a smallint
MOST_ITEMS: Final = 300
TOP: Final = {
    "code": str, "version": str, "name_vi": str, "name_en": str, "method": str, "legal_basis": str, "complete": bool,
    "question": list,
}  # fmt: skip
ALSO: Final = {"first_year", "last_year", "evidence", "scale", "group"}
NOTE: Final = {"note_vi", "note_en"}  # both or none
TYPES: Final = {str: "string", bool: "boolean", list: "array", int: "integer"}  # the names in TOML
OF_QUESTION: Final[Mapping[str, type]] = {"code": str, "aspect": str, "kind": str, "vi": str, "en": str}
OF_KIND: Final[Mapping[str, Mapping[str, type]]] = {
    "scale": {"scale": str, "items": list},
    "yes_no": {"items": list},
    "single": {"column": str, "options": list},
    "multiple": {"options": list},
}

Faults = Iterator[Invalid]


def list_faults(document: Mapping[str, Any]) -> list[Invalid]:
    """Return all faults in the order of the document; none: it is an instrument. Rules that connect several questions
    are checked only when every question has the right shape."""
    note: dict[str, type] = dict.fromkeys(NOTE, str) if NOTE & document.keys() else {}
    faults = [*_keys(document, "", TOP | note, ALSO)]
    scales, groups = document.get("scale", {}), document.get("group", {})
    for name, tables in (("scale", scales), ("group", groups)):
        if not isinstance(tables, dict):
            faults.append(_fault(name, _("%(path)s: ở đây cần một bảng có khóa và giá trị.")))
            return faults
    for name, raw in scales.items():
        faults += _levels(raw.get("levels") if isinstance(raw, dict) else None, f"scale.{name}.levels")
    for name, raw in groups.items():
        faults += _keys(raw, f'group."{name}"', {"vi": str, "en": str})
    faults += [*_code(document), *_questions(document.get("question"), scales)]
    questions = document.get("question", [])
    return faults or [*_names(questions), *_groups(questions, groups), *_skips(questions, scales)]


def _questions(raw: Any, scales: Mapping[str, Any]) -> Faults:
    if raw == []:
        yield _fault("question", _("%(path)s: không có câu hỏi nào."))
    for position, question in enumerate(raw) if isinstance(raw, list) else ():
        yield from _question(question, f"question[{position}]", scales)


def _fault(path: str, message: str, **params: object) -> Invalid:
    return Invalid(message, field="toml", errors=(), **{"path": path, **params})


def _keys(raw: Any, path: str, wanted: Mapping[str, type], also: Collection[str] = ()) -> Faults:
    """Yield the faults of the keys of a table. Each ``wanted`` key must be there, have its type and not be empty. A key
    that is neither in ``wanted`` nor in ``also`` is probably mistyped."""
    if not isinstance(raw, dict):
        yield _fault(path, _("%(path)s: ở đây cần một bảng có khóa và giá trị."))
        return
    for key, kind in wanted.items():
        yield from _value_of(raw, key, kind, path)
    for key in raw:
        if key not in wanted and key not in also:
            yield _fault(_join(path, key), _("%(path)s: không có khóa này."))


def _value_of(raw: Mapping[str, Any], key: str, kind: type, path: str) -> Faults:
    """Yield what is wrong with the value of a key that must be there. Only the legal basis may be empty."""
    if key not in raw:
        yield _fault(_join(path, key), _("%(path)s: còn thiếu."))
    elif type(raw[key]) is not kind:
        yield _fault(_join(path, key), _("%(path)s: giá trị phải thuộc kiểu %(kind)s của TOML."), kind=TYPES[kind])
    elif kind is str and not raw[key].strip() and key != "legal_basis":
        yield _fault(_join(path, key), _("%(path)s: không được để trống."))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _code(document: Mapping[str, Any]) -> Faults:
    code, version = document.get("code"), document.get("version")
    if isinstance(code, str) and code.strip() and not (CODE.fullmatch(code) and len(code) <= 40):
        yield _fault("code", _("%(path)s: chữ thường không dấu, số và gạch nối, không quá 40 ký tự."))
    if isinstance(version, str) and version.strip() and not VERSION.fullmatch(version):
        yield _fault("version", _("%(path)s: chữ thường không dấu, số và dấu chấm, không quá 20 ký tự."))


def _levels(raw: Any, path: str, also: Collection[str] = ()) -> Faults:
    if not isinstance(raw, list) or len(raw) < 2:
        yield _fault(path, _("%(path)s: cần danh sách có ít nhất hai mức."))
        return
    faults: list[Invalid] = []
    for at, level in enumerate(raw):
        faults += _level(level, f"{path}[{at}]", also)
    yield from faults
    values = [level["value"] for level in raw] if not faults else []
    if values != sorted(set(values)) or not all(0 <= value <= 99 for value in values):
        yield _fault(path, _("%(path)s: giá trị của các mức phải tăng dần, từ 0 đến 99."))


def _level(raw: Any, path: str, also: Collection[str]) -> Faults:
    yield from _keys(raw, path, {"value": int, "vi": str, "en": str}, also)


def _question(raw: Any, path: str, scales: Mapping[str, Any]) -> Faults:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    own = {**OF_QUESTION, **OF_KIND.get(str(kind), {})}
    yield from _keys(raw, path, own, ("skip", *(() if kind in KINDS else ("scale", "items", "column", "options"))))
    if not isinstance(raw, dict):
        return
    for key, values in (("kind", KINDS), ("aspect", ASPECTS)):
        if isinstance(raw.get(key), str) and raw[key] not in values:
            yield _fault(f"{path}.{key}", _("%(path)s: phải là một trong %(values)s."), values=", ".join(values))
    if kind == "scale" and isinstance(raw.get("scale"), str) and raw["scale"] not in scales:
        yield _fault(f"{path}.scale", _("%(path)s: không có thang “%(value)s”."), value=raw["scale"])
    yield from _parts(raw, path, kind)
    if "skip" in raw:
        yield from _keys(raw["skip"], f"{path}.skip", {"unless": str, "is": list})


def _parts(raw: Mapping[str, Any], path: str, kind: object) -> Faults:
    """Yield the faults of the items or options of a question, and of the names of their columns."""
    if kind == "single":
        yield from _column(raw, path)
    if kind in ("single", "multiple") and isinstance(raw.get("options"), list):
        yield from _options(raw["options"], f"{path}.options", columns=kind == "multiple")
    if kind in ("scale", "yes_no") and isinstance(raw.get("items"), list):
        if not 1 <= len(raw["items"]) <= MOST_ITEMS:
            yield _fault(f"{path}.items", _("%(path)s: cần từ 1 đến %(most)s nội dung."), most=MOST_ITEMS)
        for at, item in enumerate(raw["items"]):
            yield from _item(item, f"{path}.items[{at}]")


def _options(raw: list[Any], path: str, *, columns: bool) -> Faults:
    yield from _levels(raw, path, ("column",))
    if len(raw) > MOST_OPTIONS:
        yield _fault(path, _("%(path)s: nhiều nhất %(most)s lựa chọn."), most=MOST_OPTIONS)
    for at, option in enumerate(raw) if columns else ():
        if isinstance(option, dict) and not isinstance(option.get("column"), str):
            yield _fault(f"{path}[{at}].column", _("%(path)s: còn thiếu."))
        yield from _column(option, f"{path}[{at}]")


def _item(raw: Any, path: str) -> Faults:
    yield from _keys(raw, path, {"code": str, "column": str, "vi": str, "en": str}, ("weight",))
    if isinstance(raw, dict):
        yield from _column(raw, path)
        weight = raw.get("weight", 1)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < 1e6:
            yield _fault(f"{path}.weight", _("%(path)s: quyền số phải là số lớn hơn 0."))


def _column(raw: Any, path: str) -> Faults:
    column = raw.get("column") if isinstance(raw, dict) else None
    if isinstance(column, str) and column.strip() and not COLUMN.fullmatch(column):
        yield _fault(f"{path}.column", _("%(path)s: tên cột dùng chữ thường không dấu, số và gạch dưới."))


def _named_values(questions: list[Any], key: str) -> Iterator[tuple[str, str]]:
    """Yield path and value of every column (``key`` "column"), or of every code of an answer (``key`` "code")."""
    for at, raw in enumerate(questions):
        many = "items" if "items" in raw else "options"
        if key == "code" and many == "options":
            yield f"question[{at}].code", raw["code"]
        elif key == "column" and raw["kind"] == "single":
            yield f"question[{at}].column", raw["column"]
        else:
            yield from ((f"question[{at}].{many}[{n}].{key}", part[key]) for n, part in enumerate(raw[many]))


def _names(questions: list[Any]) -> Faults:
    """Yield columns, and codes of answers, that stand twice."""
    for key in ("column", "code"):
        first: dict[str, str] = {}
        for path, value in _named_values(questions, key):
            if value in first:
                sentence = _("%(path)s: “%(value)s” đã có ở %(before)s.")
                yield _fault(path, sentence, value=value, before=first[value])
            first.setdefault(value, path)


def _groups(questions: list[Any], groups: Mapping[str, Any]) -> Faults:
    """Yield items of satisfaction whose group has no text. The group of item 1.2 is 1."""
    for at, raw in enumerate(questions):
        for n, item in enumerate(raw.get("items", ())) if raw["aspect"] == "satisfaction" else ():
            group = item["code"].rpartition(".")[0]
            if group not in groups:
                sentence = _("%(path)s: nhóm “%(value)s” chưa có tên (bảng group).")
                yield _fault(f"question[{at}].items[{n}].code", sentence, value=group)


def _skips(questions: list[Any], scales: Mapping[str, Any]) -> Faults:
    """Yield skip rules that do not name an earlier answer and some of its levels."""
    before: dict[str, set[int]] = {}  # the levels of each earlier answer, by its code
    for at, raw in enumerate(questions):
        skip = raw.get("skip")
        if skip is not None and not _is_answerable(skip["is"], before.get(skip["unless"], set())):
            sentence = _("%(path)s: phải hỏi về một câu trả lời có ở trước, với các mức của nó.")
            yield _fault(f"question[{at}].skip", sentence)
        levels = _level_values(raw, scales)
        before |= {code: levels for _path, code in _named_values([raw], "code")}


def _is_answerable(values: Sequence[Any], levels: Collection[int]) -> bool:
    """Return whether the values of a skip rule are levels of the answer that it asks about, at least one."""
    return bool(values) and all(type(value) is int and value in levels for value in values)


def _level_values(raw: Mapping[str, Any], scales: Mapping[str, Any]) -> set[int]:
    """Return the values of the levels of a question; yes or no is 1 or 0."""
    if levels := raw.get("options"):
        return {level["value"] for level in levels}
    if "scale" in raw:
        return {level["value"] for level in scales[raw["scale"]]["levels"]}
    return {0, 1}
