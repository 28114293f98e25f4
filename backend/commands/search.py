"""``langnghe search``: write anew what tickets are found by."""

import json
from typing import Annotated

import typer

from backend import db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.output_language import say_number, say_text
from backend.errors import _
from backend.tickets.search.index_checks import rebuild_index

search = typer.Typer(help="Dữ liệu để tìm phản ánh.", no_args_is_help=True)


@search.callback()
def _group() -> None:
    """Dữ liệu để tìm phản ánh."""


@search.command("rebuild")
def rebuild_command(
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Ghi lại từ đầu những chữ mà mỗi phản ánh được tìm thấy; trong lúc đó vẫn xử lý phản ánh bình thường."""
    ready = 0
    with refusals_as_lines(), database_at_hand():
        for ready in rebuild_index(db.transaction):
            typer.echo(say_text(_("%(n)s phản ánh ..."), n=say_number(ready)), err=True)
    if as_json:
        typer.echo(json.dumps({"tickets": ready}))
        return
    typer.echo(say_text(_("Đã ghi lại cho %(n)s phản ánh."), n=say_number(ready)))
