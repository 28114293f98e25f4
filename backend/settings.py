"""Settings, read once from the environment (prefix ``LANGNGHE_``). They never change while a process runs."""

import sys
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only-secret-do-not-use-elsewhere"  # noqa: S105 - refused outside development
ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """The settings of a process.

    In development, ``langnghe up`` starts embedded servers and sets ``DATABASE_URL`` and ``BROKER_URL`` where they are
    missing. Outside development both are required, and the operator's own secret too.
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
        """Refuse URLs other than those of PostgreSQL with psycopg; the system supports nothing else."""
        if url and not url.startswith(("postgresql://", "postgresql+psycopg://")):
            raise ValueError("must look like postgresql+psycopg://user:password@host/database")
        return url or None

    @model_validator(mode="after")
    def refuse_defaults_outside_development(self) -> Self:
        """Refuse a deployment without its own secret and servers: everybody knows the default secret."""
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
    """Return the settings of the process. Tests clear the cache instead of changing a value.

    Wrong settings end the process with exit code 2 and one line each on standard error. A line names the setting but
    not its value, which may be a secret.
    """
    try:
        return Settings()
    except ValidationError as failure:
        lines = (_line(str(error["loc"][0]) if error["loc"] else "", error["msg"]) for error in failure.errors())
        sys.stderr.write("\n".join([*lines, ""]))
        raise SystemExit(2) from None


def _line(name: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"LANGNGHE_{name.upper()}: {message}" if name else message
