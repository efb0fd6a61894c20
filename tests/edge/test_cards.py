"""Card keys: one card, one key at every door of a site; another site, another key; the secret is the owner's only."""

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from edge.cards import CardKeys, open_card_keys
from protocols.errors import BadPayload, BadSettings

SECRET = bytes(range(32))


def test_one_card_has_one_key_however_it_is_written() -> None:
    keys = CardKeys(SECRET)
    wanted = hmac.new(SECRET, b"uid:\x94\xd8\xfc\x5f", hashlib.sha256).hexdigest()[:32]
    assert keys.key("94D8FC5F", "hex") == wanted
    assert keys.key("94-d8-fc-5f", "hex") == wanted
    assert keys.key("2497248351", "decimal") == wanted
    assert keys.key("5FFCD894", "hex-reversed") == wanted


def test_another_site_has_other_keys() -> None:
    assert CardKeys(SECRET).key("94D8FC5F", "hex") != CardKeys(SECRET[::-1]).key("94D8FC5F", "hex")


def test_an_ambiguous_number_has_no_key() -> None:
    with pytest.raises(BadPayload, match="ambiguous"):
        CardKeys(SECRET).key("a1bc0d", "hex")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        CardKeys(b"short")


def test_an_absent_secret_is_made_for_its_owner_only_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "card.key"
    key = open_card_keys(path).key("94D8FC5F", "hex")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_card_keys(path).key("94D8FC5F", "hex") == key
    assert [each.name for each in path.parent.iterdir()] == ["card.key"]


def test_a_secret_that_others_may_read_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "card.key"
    path.write_text(SECRET.hex())
    path.chmod(0o644)
    with pytest.raises(BadSettings, match="chmod 600"):
        open_card_keys(path)


@pytest.mark.parametrize("text", ["", "no hex at all", "00" * 31, "ü" * 80])
def test_a_file_without_a_secret_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadSettings):
        open_card_keys(path)


def test_a_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSettings, match="card secret"):
        open_card_keys(tmp_path / "file" / "card.key")
