"""What the environment may say; what it says wrong ends the process, in a line without the value."""

from collections.abc import Iterator

import pytest

from backend.settings import get_settings


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PORT": "eighty"}, "LANGNGHE_PORT: "),
        ({"DATABASE_URL": "mysql://u:hunter2@h/d"}, "LANGNGHE_DATABASE_URL: "),
        ({"ENVIRONMENT": "production"}, "LANGNGHE_SECRET_KEY must be set"),
        ({"ENVIRONMENT": "production", "SECRET_KEY": "hunter2"}, "LANGNGHE_SECRET_KEY must be set"),
        ({"ENVIRONMENT": "production", "SECRET_KEY": "hunter2" * 5}, "LANGNGHE_DATABASE_URL must be set"),
    ],
)
def test_a_wrong_setting_is_named_and_never_quoted(
    environment: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"LANGNGHE_{name}", value)
    with pytest.raises(SystemExit) as ended:
        get_settings()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(named) and said.count("\n") == 1
    assert "hunter2" not in said
