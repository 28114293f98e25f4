"""The ``langnghe`` command. A command imports its modules when it runs, so that every command starts fast."""

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from backend.commands.output_language import OutputLanguage, choose_language, say_text
from backend.errors import _

# Groups of commands: name -> module and the name of its Typer application. A new group is one line.
ROOMS = {
    "audit": ("backend.commands.audit", "audit"),
    "clock": ("backend.commands.clock.due", "clock"),
    "estimate": ("backend.commands.survey.estimate", "estimation"),
    "import": ("backend.commands.casework", "importing"),
    "index": ("backend.commands.index", "index"),
    "kpi": ("backend.commands.kpi", "kpi"),
    "report": ("backend.commands.report", "report"),
    "rules": ("backend.commands.rules", "rules"),
    "search": ("backend.commands.search", "search"),
    "seed": ("backend.commands.seed", "seed"),
    "sipas": ("backend.commands.sipas", "sipas"),
    "survey": ("backend.commands.survey.rounds", "survey"),
    "users": ("backend.commands.users", "users"),
    "verify": ("backend.commands.verify", "verify"),
}


class LazyCommands(TyperGroup):
    """Commands of the rooms, imported only when one of them is called or all are listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *ROOMS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in ROOMS:
            return super().get_command(ctx, cmd_name)
        module, name = ROOMS[cmd_name]
        command = typer.main.get_command(getattr(import_module(module), name))
        command.name = cmd_name
        return command


app = typer.Typer(cls=LazyCommands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.callback()
def langnghe(
    lang: Annotated[
        OutputLanguage | None, typer.Option("--lang", help="Ngôn ngữ của kết quả; mặc định theo LANG của máy.")
    ] = None,
) -> None:
    """Lắng Nghe: tiếp nhận, xử lý phản ánh, kiến nghị và đo mức độ hài lòng."""
    choose_language(lang)


@app.command()
def up() -> None:
    """Chạy tất cả (máy chủ nhúng, web, worker, beat, bot); Ctrl-C để dừng."""
    from backend.devserver.supervisor import Supervisor
    from backend.settings import get_settings

    raise typer.Exit(Supervisor(get_settings(), typer.echo).run())


@app.command()
def migrate() -> None:
    """Đưa cơ sở dữ liệu lên lược đồ mới nhất; nhiều lệnh cùng lúc sẽ chờ nhau."""
    from alembic import command
    from alembic.config import Config

    from backend.commands.console import database_at_hand, refusals_as_lines
    from backend.settings import ROOT

    with refusals_as_lines(), database_at_hand():
        command.upgrade(Config(ROOT / "alembic.ini"), "head")
    typer.echo(say_text(_("Cơ sở dữ liệu đã ở lược đồ mới nhất.")))


if __name__ == "__main__":
    app()
