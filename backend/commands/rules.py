"""``langnghe rules``: the terms of handling, and a province's own rows beside the shipped ones."""

import json
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from backend import clock, db
from backend.commands.console import account_that_may, database_at_hand, day_option, refusals_as_lines
from backend.deadlines.rules import IN_PERSON_OR_LETTER, DeadlineRule, RuleEvidence, read_value
from backend.errors import Forbidden
from backend.tickets import rulebook
from backend.users.policy import Permission

rules = typer.Typer(help="Thời hạn và quy định xử lý.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]
COLUMNS = (
    *("id", "code", "value", "case", "category", "category_class", "manner", "province"),
    *("valid_from", "valid_to", "basis"),
)


@rules.callback()
def _group() -> None:
    """Thời hạn và quy định xử lý."""


@rules.command("list")
def list_rules(
    code: Annotated[str, typer.Option(help="Chỉ quy định này, như resolve hay approval.")] = "",
    as_json: AsJson = False,
) -> None:
    """Mọi quy định đã lưu, mới sau cũ; không dòng nào bị sửa."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        rows = [_row(rule) for rule in rulebook.load_rules(session).rows if code in ("", rule.code)]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(*COLUMNS, box=None)
    for row in rows:
        table.add_row(*(str(row[name] or "") for name in COLUMNS))
    Console().print(table)


@rules.command("set")
def set_rule(
    code: Annotated[str, typer.Argument(help="Quy định, như resolve hay approval.")],
    value: Annotated[str, typer.Argument(help="Như “10 working days”; với approval: required hay not required.")],
    basis: Annotated[str, typer.Option(help="Căn cứ: văn bản của tỉnh.")],
    province: Annotated[str, typer.Option(help="Mã tỉnh ban hành.")],
    by: Annotated[str, typer.Option(help="Thư điện tử của người đặt.")],
    since: Annotated[str, typer.Option("--from", metavar="NGÀY", help="Áp dụng từ ngày.")],
    until: Annotated[str, typer.Option("--to", metavar="NGÀY", help="Đến hết ngày.")] = "",
    category: Annotated[str, typer.Option(help="Chỉ một loại phản ánh (mã).")] = "",
    category_class: Annotated[str, typer.Option("--class", help="Chỉ một nhóm: regulation, conduct, field.")] = "",
    direct: Annotated[bool, typer.Option("--direct", help="Chỉ phản ánh nhận trực tiếp hoặc bằng đơn.")] = False,
    as_json: AsJson = False,
) -> None:
    """Thêm quy định riêng của tỉnh. Phản ánh đã nhận giữ thời hạn cũ; kết quả đã chốt không đổi."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        user = account_that_may(session, by, Permission.CONFIGURE, Forbidden())
        rule = DeadlineRule(
            code,
            **read_value(value),
            basis=basis,
            mark=RuleEvidence.OURS,
            province=province,
            valid_from=day_option(since),
            valid_to=day_option(until) if until else None,
            category=category,
            category_class=category_class,
            manner=IN_PERSON_OR_LETTER if direct else "",
        )
        added = rulebook.set_by_province(session, rule, user.id, clock.now())
    facts = {"id": added, "code": code, "value": rule.value}
    typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else "\t".join(map(str, facts.values())))


def _row(rule: DeadlineRule) -> dict[str, object]:
    return {name: _json_value(getattr(rule, name)) for name in COLUMNS}


def _json_value(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
