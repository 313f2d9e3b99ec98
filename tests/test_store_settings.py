"""Settings: explicit, then environment, then default; a wrong one stops the start and isn't repeated."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from schemas.errors import CommandError
from schemas.settings import PREFIX, Settings, read_settings


def test_explicit_beats_environment_beats_default() -> None:
    environ = {"COMUNAL_PORT": "9000", "COMUNAL_DATA": "/srv/comunal", "COMUNAL_HOST": ""}
    settings = read_settings(environ, port=9001, host=None)
    assert (settings.port, settings.data, settings.host) == (9001, Path("/srv/comunal"), Settings().host)
    assert read_settings({}) == Settings()


def test_every_setting_can_be_given_by_the_environment() -> None:
    texts = {
        "data": "/d",
        "database_url": "postgresql://u:p@h/d",
        "host": "::",
        "port": "0",
        "public_url": "https://datos.cl/odk/",
        "trust_forwarded": "YES",
        "accept_bytes": "1",
        "request_bytes": "2",
        "xml_bytes": "3",
        "idle_seconds": "0.5",
        "requests_per_minute": "4",
        "connections": "5",
    }
    settings = read_settings({PREFIX + name.upper(): text for name, text in texts.items()})
    assert set(texts) == {field.name for field in fields(Settings)}
    expected = Settings(Path("/d"), "postgresql://u:p@h/d", "::", 0, "https://datos.cl/odk", True, 1, 2, 3, 0.5, 4, 5)
    assert settings == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "80a"),
        ("PORT", "65536"),
        ("TRUST_FORWARDED", "maybe"),
        ("ACCEPT_BYTES", "0"),
        ("IDLE_SECONDS", "inf"),
        ("IDLE_SECONDS", "-1"),
        ("PUBLIC_URL", "datos.cl"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_kept_quiet(name: str, text: str) -> None:
    with pytest.raises(CommandError, match=rf"^CMD-010 .*COMUNAL_{name} can't be used: expected") as caught:
        read_settings({f"COMUNAL_{name}": text})
    assert f"{text!r}" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(CommandError, match=r"^CMD-011"):
        read_settings({"COMUNAL_REQUEST_BYTES": "1000"})


def test_the_password_of_the_database_is_not_shown() -> None:
    assert "s3cret" not in repr(Settings(database_url="postgresql://u:s3cret@h/d"))
