"""The commands ``langnghe survey instruments`` and ``methods``: list, print, check, compare and publish them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from analytics.methods import METHODS, IndexMethod, load_method
from backend import clock, db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.errors import Invalid, _
from backend.surveys.forms import differences, documents, instruments, publishing
from backend.surveys.forms.differences import ItemChange, ItemDifference
from backend.surveys.forms.instruments import Instrument
from backend.surveys.forms.publishing import SurveyDocument

Show = Annotated[str | None, typer.Option(help="In nội dung của một mẫu phiếu hoặc phương pháp (mã hoặc tệp TOML).")]
Diff = Annotated[
    tuple[str, str] | None, typer.Option(help="So hai bản, mã hoặc tệp TOML, như household-2022 household-2023.")
]
Check = Annotated[Path | None, typer.Option(help="Kiểm tra một tệp TOML; nói mọi lỗi, từng dòng.")]
Publish = Annotated[Path | None, typer.Option(help="Kiểm tra và công bố một tệp TOML; sau đó không đổi được.")]
AsJson = Annotated[bool, typer.Option("--json", help="In danh sách dạng JSON.")]


def instruments_command(
    show: Show = None, diff: Diff = None, check: Check = None, publish: Publish = None, as_json: AsJson = False
) -> None:
    """Các mẫu phiếu kèm theo, cây nội dung, khác nhau giữa hai phiên bản; công bố phiên bản mới."""
    with refusals_as_lines():
        if _run_option(show, diff, check, publish):
            return
        _print_list([_instrument_row(key) for key in instruments.SHIPPED], as_json)


def methods_command(
    show: Show = None, diff: Diff = None, check: Check = None, publish: Publish = None, as_json: AsJson = False
) -> None:
    """Các phương pháp tính chỉ số kèm theo, khác nhau giữa hai phương pháp; công bố phương pháp mới."""
    with refusals_as_lines():
        if _run_option(show, diff, check, publish):
            return
        _print_list([_method_row(code) for code in METHODS], as_json)


def _instrument_row(key: str) -> dict[str, Any]:
    instrument = instruments.shipped_instrument(key)
    checksum = instrument.checksum[:12]
    return {"key": key, "slots": len(instrument.slots), "checksum": checksum, "name": instrument.name.vi}


def _method_row(code: str) -> dict[str, Any]:
    method = load_method(code)
    return {"code": code, "years": f"{method.first_year}-{method.last_year}", "name": method.name.vi}


def _print_list(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        typer.echo("\n".join("\t".join(str(value) for value in row.values()) for row in rows))


def _run_option(show: str | None, diff: tuple[str, str] | None, check: Path | None, publish: Path | None) -> bool:
    """Run the option that was given; return whether there was one."""
    if diff:
        _print_differences(*map(_document, diff))
    elif publish:
        _publish(publish)
    elif show or check:
        _print(publishing.read_document(_text(check)) if check else _document(show or ""))
    return bool(diff or publish or show or check)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Invalid(_("Không mở được tệp “%(file)s”."), file=str(path)) from None


def _document(key: str) -> SurveyDocument:
    """Return a document: a TOML file, else the one of the package, else the published one. Raises NotFound, Invalid."""
    if Path(key).is_file():
        return publishing.read_document(_text(Path(key)))
    raw = publishing.shipped_document(key)
    if raw is None:
        with database_at_hand(), db.transaction() as session:
            raw = publishing.published_document(session, key)
    return publishing.check_document(raw)


def _publish(path: Path) -> None:
    document = publishing.read_document(_text(path))
    with database_at_hand(), db.transaction() as session:
        is_new = publishing.publish_document(session, document, by="system", now=clock.now())
    mark = instruments.checksum_of(document.raw)
    typer.echo(f"{document.key}\t{mark}" + ("" if is_new else "\tđã có từ trước"))


def _print(document: SurveyDocument) -> None:
    if isinstance(document.subject, Instrument):
        _print_tree(document.subject)
    else:
        _print_method(document.subject)


def _print_tree(instrument: Instrument) -> None:
    typer.echo(f"{instrument.key}: {instrument.name.vi}. {instrument.legal_basis}")
    if instrument.note:
        typer.echo(instrument.note.vi)
    for position, question in enumerate(instrument.questions, 1):
        typer.echo(f"\n{position}. {question.text.vi} [{question.kind.value}]")
        for slot in question.slots:
            if slot.code != question.code:
                typer.echo(f"   {slot.columns[0]:6} {slot.text.vi}")
        levels = question.slots[0].levels
        typer.echo("   " + "; ".join(f"{level.value} = {level.text.vi}" for level in levels))


def _print_method(method: IndexMethod) -> None:
    typer.echo(f"{method.code}: {method.name.vi}, {method.first_year}-{method.last_year}. {method.legal_basis}")
    typer.echo(f"{method.respondents.vi}")
    rules = "; ".join(f"{level.value}: {rule.value}" for level, rule in method.aggregation.items())
    typer.echo(f"{method.item_formula} (max {method.item_max or '–'}); {rules}")
    for code, node in method.nodes.items():
        if node.children:
            typer.echo(f"   {code}: {len(node.children)}")


def _print_differences(before: SurveyDocument, after: SurveyDocument) -> None:
    """Print the items of both versions first, then every other difference."""
    items: list[ItemDifference] = []
    if isinstance(before.subject, Instrument) and isinstance(after.subject, Instrument):
        items = differences.compare_versions(before.subject, after.subject)
        _print_items(before.key, after.key, items)
    table = _table("Chỗ khác", before.key, after.key)
    codes = {item.code for item in items if item.change is not ItemChange.SAME}
    rest = [
        value
        for value in documents.list_changes(before.raw, after.raw)
        if not differences.covers_path(codes, value.path)
    ]
    for value in rest:
        table.add_row(value.path, value.before or "–", value.after or "–")
    Console().print(table if rest else "Ngoài ra không có gì khác.", markup=False)


def _table(*titles: str) -> Table:
    table = Table(box=None)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _print_items(old: str, new: str, items: list[ItemDifference]) -> None:
    table = _table("Nội dung", old, new)
    changed = [item for item in items if item.change is not ItemChange.SAME]
    for item in changed:
        texts = (slot.text.vi if slot else "–" for slot in (item.before, item.after))
        table.add_row(f"{differences.NAMES[item.change]}: {item.code}", *texts)
    Console().print(table)
    typer.echo(f"Giữ nguyên {len(items) - len(changed)} nội dung.")
