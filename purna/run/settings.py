"""All settings, read once from the environment and ``purna.toml`` in the data folder.

An environment variable wins over the file: ``PURNA_API__PORT=8701`` is ``[api] port = 8701``.
Each package gets its own section; none of them reads the environment. ``purna config`` prints
every setting with its default and meaning.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from alerts.settings import AlertSettings
from ingest.links.endpoint.settings import EndpointSettings
from ingest.settings import IngestSettings
from purna.core.errors import AskOperator
from purna.run.logs import LogFormat


class Section(BaseModel):
    """Base of our own sections: unknown names are refused, so a typo is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ApiSettings(Section):
    """Where the API and the console listen."""

    host: str = Field("127.0.0.1", description="Address to listen on; loopback unless you decide")
    port: int = Field(8700, ge=0, le=65535, description="Port of the API and the console")
    allowed_hosts: tuple[str, ...] = Field(
        ("127.0.0.1", "localhost", "[::1]"),
        description="Host names under which the console may be asked for",
    )


class ScheduleSettings(Section):
    """How often the scheduled jobs run."""

    score_seconds: float = Field(5.0, gt=0, description="Look for windows to score this often")
    grace_seconds: float = Field(
        3.0, ge=0, description="Wait this long (real time) after a window's end for its readings"
    )
    backfill_days: float = Field(
        7.0, ge=0, description="Score this much of the past when a product is scored first"
    )
    outbox_seconds: float = Field(2.0, gt=0, description="Look for messages to send this often")
    keep_assessments_days: float = Field(
        400.0, gt=0, description="Assessments older than this are removed"
    )


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="PURNA_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    data_dir: Path = Field(Path("var/purna"), description="Folder for everything that is kept")
    database_url: str = Field(
        "",
        description="Service database; empty = SQLite in the data folder, or postgresql+psycopg://…",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line to write"
    )
    log_format: LogFormat = Field("text", description="text for people, json for machines")
    ingest: IngestSettings = Field(IngestSettings(), description="Taking readings in")
    endpoint: EndpointSettings = Field(
        EndpointSettings(), description="The MQTT server of our own, for devices"
    )
    api: ApiSettings = Field(ApiSettings(), description="API and console")
    schedule: ScheduleSettings = Field(ScheduleSettings(), description="Scheduled jobs")
    alerts: AlertSettings = Field(AlertSettings(), description="Alerts, orders, who is told")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load_settings(data_dir: Path | None = None, **given: Any) -> Settings:
    """Settings for a data folder; ``given`` wins over the environment and the file.

    Raises
    ------
    AskOperator
        Naming each wrong setting and why.
    """
    if data_dir is not None:
        given["data_dir"] = data_dir
    folder = data_dir or Settings.model_construct().data_dir
    try:

        class _WithFile(Settings):
            model_config = SettingsConfigDict(toml_file=folder / "purna.toml")

        return _WithFile(**given)
    except tomllib.TOMLDecodeError as error:
        raise AskOperator("settings.syntax", f"{folder / 'purna.toml'}: {error}") from error
    except ValidationError as error:
        lines = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
        )
        raise AskOperator("settings.invalid", f"Wrong settings: {lines}") from error
