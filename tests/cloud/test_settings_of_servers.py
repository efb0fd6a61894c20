"""What ``cloud.toml`` may say of servers, and what is said of what it may not."""

from pathlib import Path

import pytest

from cloud.registry.database import Database
from cloud.registry.opening import registry_of
from cloud.settings import CloudSettings, load_cloud
from cloud.store.contract import DefaultFacts
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.ledger_store import LedgerStore
from cloud.store.opening import store_of
from protocols.clock import ManualClock
from protocols.errors import BadSettings


def read(folder: Path, text: str) -> CloudSettings:
    (folder / "secret").write_text("s3cret\nand more\n")
    (folder / "cloud.toml").write_text(text)
    return load_cloud(folder / "cloud.toml")


def test_without_a_word_of_servers_everything_is_in_the_data_folder(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert type(registry_of(settings, ManualClock())) is Database
    assert isinstance(store_of(settings, ManualClock(), DefaultFacts()), DuckdbStore)


def test_servers_are_named_with_their_secrets_in_files(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        '[registry]\nurl = "postgresql://dayuan@db.example/dayuan"\npassword_file = "secret"\n'
        '[store]\nkind = "victoria"\nurl = "http://metrics.example:8428/"\nusername = "me"\npassword_file = "secret"\n',
    )
    assert settings.registry_server is not None and settings.store_server is not None
    assert settings.registry_server.url.host == "db.example"
    assert settings.store_server.secret() == "s3cret"
    assert "s3cret" not in repr(settings)
    assert any("metrics.example" in warning and "https" in warning for warning in settings.warnings())
    store = store_of(settings, ManualClock(), DefaultFacts())
    assert isinstance(store, LedgerStore)
    store.close()


def test_influx_is_named_with_organisation_and_token(tmp_path: Path) -> None:
    text = '[store]\nkind = "influx"\nurl = "https://i.example"\norganisation = "office"\npassword_file = "secret"\n'
    settings = read(tmp_path, text)
    assert settings.store_server is not None and settings.store_server.bucket == "dayuan"
    assert settings.warnings() == []
    assert isinstance(store_of(settings, ManualClock(), DefaultFacts()), LedgerStore)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[registry]\npassword_file = "secret"\n', 2, "of no use without a url"),
        ('[registry]\nurl = "postgresql://me:s3cret@h/x"\n', 2, "no place in the URL"),
        ('[registry]\nurl = "postgresql://me@h/x"\npassword_file = "none"\n', 3, "cannot be read"),
        ('[store]\nkind = "influxdb"\n', 2, "duckdb, victoria, influx"),
        ('[store]\nkind = "victoria"\n', 2, "needs the url"),
        ('[store]\nurl = "http://h"\n', 2, "set kind too"),
        ('[store]\nkind = "influx"\nurl = "http://h"\n', 2, "needs organisation"),
        ('[store]\nkind = "victoria"\nurl = "http://me:s3cret@h"\n', 3, "no place in the URL"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(BadSettings, match=said) as caught:
        read(tmp_path, text)
    assert f"cloud.toml:{line}:" in str(caught.value)
    assert "s3cret" not in str(caught.value)
