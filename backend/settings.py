"""Settings, read once from the environment (prefix ``LANGNGHE_``) and frozen."""

import sys
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only-secret-do-not-use-elsewhere"  # noqa: S105 - refused outside development
ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """What a process must know before it starts.

    Without ``DATABASE_URL`` or ``BROKER_URL`` the embedded servers of ``langnghe up`` fill them in; outside
    development both, and a secret of the operator's own, are required.
    """

    model_config = SettingsConfigDict(env_prefix="LANGNGHE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["development", "production"] = "development"
    database_url: str | None = None
    broker_url: str | None = None
    base_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    data_dir: Path = ROOT / "var"
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    signing_key: SecretStr | None = None  # a path or PEM (Ed25519), see backend.history.keys
    smtp_url: str | None = None
    mail_from: str = "Lắng Nghe <no-reply@localhost>"
    telegram_token: SecretStr | None = None
    telegram_api_url: str = "https://api.telegram.org"
    trusted_proxies: str = "127.0.0.1"
    tickets_per_hour: int = Field(default=300, ge=0)  # from one network, in each web process; 0: no limit

    @property
    def development(self) -> bool:
        return self.environment == "development"

    @field_validator("database_url")
    @classmethod
    def refuse_other_databases(cls, url: str | None) -> str | None:
        """The rest of the system speaks to PostgreSQL by psycopg and to nothing else."""
        if url and not url.startswith(("postgresql://", "postgresql+psycopg://")):
            raise ValueError("must look like postgresql+psycopg://user:password@host/database")
        return url or None

    @model_validator(mode="after")
    def refuse_defaults_outside_development(self) -> Self:
        """A deployment must bring its own secret and servers: a default would be everybody's secret."""
        if self.development:
            return self
        secret = self.secret_key.get_secret_value()
        if secret == DEVELOPMENT_SECRET or len(secret) < 32:
            raise ValueError("LANGNGHE_SECRET_KEY must be set to a secret of its own, 32 characters or more")
        for name in ("database_url", "broker_url"):
            if not getattr(self, name):
                raise ValueError(f"LANGNGHE_{name.upper()} must be set outside development")
        return self


@lru_cache
def get_settings() -> Settings:
    """The process's settings; tests clear the cache instead of changing a value. What is wrong with them ends the
    process with a line for each, which names the setting and never its value: it may be a secret."""
    try:
        return Settings()
    except ValidationError as wrong:
        lines = (_line(str(error["loc"][0]) if error["loc"] else "", error["msg"]) for error in wrong.errors())
        sys.stderr.write("\n".join([*lines, ""]))
        raise SystemExit(2) from None


def _line(name: str, said: str) -> str:
    said = said.removeprefix("Value error, ")
    return f"LANGNGHE_{name.upper()}: {said}" if name else said
