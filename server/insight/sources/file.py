"""The owner's file of sources: which systems there are, and which hosts may be asked at all."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, model_validator

from ...model.consultation import Frozen
from ...model.errors import InvalidSettings
from . import http_json, sql_query
from .parameters import NAMES
from .port import Source

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class _Entry(Frozen):
    name: Name
    timeout_s: float = Field(default=3.0, gt=0, le=30)
    max_bytes: int = Field(default=20_000, ge=100, le=200_000)


class HttpEntry(_Entry):
    """An HTTP endpoint."""

    kind: Literal["http"]
    url: str
    headers: dict[str, SecretStr] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        address = urlsplit(self.url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("url is not an http(s) address")
        if "{" in address.netloc:
            raise ValueError("url has a placeholder in its host")
        _known(http_json.placeholders(self.url))
        return self

    @property
    def hosts(self) -> list[str]:
        """Whom it asks."""
        return [urlsplit(self.url).hostname or ""]

    def source(self) -> Source:
        """Return what asks it."""
        return http_json.HttpJson(self.name, self.url, self.headers, self.timeout_s, self.max_bytes)


class SqlEntry(_Entry):
    """A PostgreSQL query."""

    kind: Literal["sql"]
    database_url: SecretStr
    query: str
    max_rows: int = Field(default=50, ge=1, le=1000)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if ";" in self.query.rstrip().rstrip(";"):
            raise ValueError("query is more than one statement")
        _known(sql_query.placeholders(self.query))
        return self

    @property
    def hosts(self) -> list[str]:
        """Whom it asks."""
        parts = conninfo_to_dict(self.database_url.get_secret_value())
        named = [str(parts[key]) for key in ("host", "hostaddr") if parts.get(key)]
        return [host.lower() for one in named or [""] for host in one.split(",")]

    def source(self) -> Source:
        """Return what asks it."""
        query = self.query.rstrip().rstrip(";")
        return sql_query.SqlQuery(self.name, self.database_url, query, self.timeout_s, self.max_bytes, self.max_rows)


class SourcesFile(Frozen):
    """The file: `hosts` are the only ones that a source may name."""

    hosts: tuple[str, ...]
    source: tuple[Annotated[HttpEntry | SqlEntry, Field(discriminator="kind")], ...] = ()

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        allowed = {host.lower() for host in self.hosts}
        for entry in self.source:
            if set(entry.hosts) - allowed:
                raise ValueError(f"source {entry.name} asks a host that is not in hosts")
        if len({entry.name for entry in self.source}) < len(self.source):
            raise ValueError("two sources have the same name")
        return self


def _known(names: list[str]) -> None:
    if unknown := set(names) - set(NAMES):
        raise ValueError(f"unknown parameter {', '.join(sorted(unknown))}: use {', '.join(NAMES)}")


@lru_cache(4)
def sources(path: Path | None) -> dict[str, Source]:
    """Return the sources of the file at `path`, by name; none without a file. It is read once.

    Raises:
        InvalidSettings: If the file cannot be used. The sentence holds no address and no key.
    """
    if path is None:
        return {}
    try:
        entries = SourcesFile.model_validate(tomllib.loads(path.read_text("utf-8"))).source
    except OSError as error:
        raise InvalidSettings(f"CONTEXT_SOURCES cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidSettings(f"CONTEXT_SOURCES cannot be used: {where}: {first['msg']}.") from None
    except ValueError:
        raise InvalidSettings("CONTEXT_SOURCES is not TOML in UTF-8.") from None
    return {entry.name: entry.source() for entry in entries}
