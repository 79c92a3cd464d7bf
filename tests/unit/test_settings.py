"""The environment: what must be there, what may be, and what it stands for when it is not."""

from __future__ import annotations

import pytest
from intake.settings import Settings
from intake.stages.deliver import RUN_S

from infra.spec import load

LEAST = {"GOOGLE_CLOUD_PROJECT": "greenwatt-local", "BILLS_BUCKET": "greenwatt-local-bills"}


def test_least_environment() -> None:
    """Project and bucket are enough for production: everything else has its value there."""
    settings = Settings.from_env(LEAST)
    assert settings == Settings("greenwatt-local", "greenwatt-local-bills", "ocr-requests", "sheet-requests")
    assert settings.bill_link_base == "https://storage.cloud.google.com/"
    assert (settings.vision_endpoint, settings.pubsub_endpoint, settings.sheets_endpoint) == ("", "", "")


@pytest.mark.parametrize("name", sorted(LEAST))
def test_required(name: str) -> None:
    """A required variable that is missing is named."""
    with pytest.raises(KeyError, match=name):
        Settings.from_env({key: value for key, value in LEAST.items() if key != name})


def test_local_stack() -> None:
    """Emulators are named by the environment, and links to bills lead to the Storage emulator."""
    settings = Settings.from_env(
        {
            **LEAST,
            "STORAGE_EMULATOR_HOST": "http://127.0.0.1:9023",
            "PUBSUB_EMULATOR_HOST": "127.0.0.1:8085",
            "VISION_EMULATOR_HOST": "127.0.0.1:8087",
            "SHEETS_EMULATOR_HOST": "http://127.0.0.1:8089/",
            "SHEET_ID": "sheet-1",
            "SHEET_TAB": "Bills",
            "OCR_TOPIC": "o",
            "SHEET_TOPIC": "s",
        }
    )
    assert settings.bill_link_base == "http://127.0.0.1:9023/"
    assert (settings.pubsub_endpoint, settings.vision_endpoint) == ("127.0.0.1:8085", "127.0.0.1:8087")
    assert settings.sheets_endpoint == "http://127.0.0.1:8089"
    assert (settings.sheet_id, settings.sheet_tab) == ("sheet-1", "Bills")
    assert (settings.ocr_topic, settings.sheet_topic) == ("o", "s")


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("CHUNK_PAGES", "2", "chunk_pages", 2),
        ("OCR_CALLS_IN_FLIGHT", "8", "ocr_calls_in_flight", 8),
        ("LEASE_SECONDS", "5", "lease_s", 5.0),
        ("PATIENCE_SECONDS", "0.5", "stall_timeout_s", 0.5),
        ("MAX_ATTEMPTS", "3", "max_attempts", 3),
        ("PAGES_PER_DAY", "5000", "pages_per_day", 5000),
        ("SUBMISSIONS_PER_HOUR", "60", "submissions_per_hour", 60),
        ("SUBMISSIONS_PER_HOUR_PEER", "600", "submissions_per_hour_peer", 600),
        ("SHEET_WRITE_INTERVAL_SECONDS", "0.1", "sheet_write_interval_s", 0.1),
        ("PROGRESS_DAYS", "7", "progress_days", 7.0),
        ("COPY_HOLD_SECONDS", "20", "copy_hold_s", 20.0),
        ("COPY_MAX_ATTEMPTS", "2", "copy_max_attempts", 2),
    ],
)
def test_numbers(name: str, value: str, attribute: str, expected: float) -> None:
    """Each number can be set, and what is no number is refused."""
    assert getattr(Settings.from_env({**LEAST, name: value}), attribute) == expected
    with pytest.raises(ValueError, match="abc"):
        Settings.from_env({**LEAST, name: "abc"})


def test_a_page_write_fits_the_quota() -> None:
    """The least time between two writes to the Sheet keeps below 60 a minute."""
    assert 60 / Settings.from_env(LEAST).sheet_write_interval_s < 60


def test_copies_are_made_where_a_folder_is_named() -> None:
    """Without a folder there are none; a stand-in's address loses its last slash."""
    assert Settings.from_env(LEAST).drive_folder == ""
    settings = Settings.from_env({**LEAST, "DRIVE_FOLDER": "f", "DRIVE_EMULATOR_HOST": "http://127.0.0.1:8091/"})
    assert (settings.drive_folder, settings.drive_endpoint) == ("f", "http://127.0.0.1:8091")


def test_the_columns_of_the_office() -> None:
    """A list with commas; an empty one is none at all."""
    assert Settings.from_env(LEAST).office_columns is None
    assert Settings.from_env({**LEAST, "OFFICE_COLUMNS": "PoD ID , kWh,"}).office_columns == ("PoD ID", "kWh")
    assert Settings.from_env({**LEAST, "OFFICE_COLUMNS": ""}).office_columns == ()


def test_a_copy_is_held_longer_than_a_run() -> None:
    """Whoever began a copy is gone before another begins it again."""
    run = load()[0]["record"].timeout_s
    assert Settings.from_env(LEAST).copy_hold_s > run
    assert run > RUN_S


def test_the_key_of_addresses_is_shown_nowhere() -> None:
    """It is a secret: settings that are printed do not hold it."""
    settings = Settings.from_env({**LEAST, "ADDRESS_KEY": "a secret", "APP_CHECK_PROJECT": "12345"})
    assert (settings.address_key, settings.app_check_project) == ("a secret", "12345")
    assert "a secret" not in repr(settings)
