"""Card keys: one card, one key at every door of a site; another site, another key; the secret is the owner's only."""

import hashlib
import hmac
import io
import stat
from pathlib import Path

import pytest

from edge.cards import SECRETS_MAX, CardKeys, add_secret, open_card_keys
from edge.cli import main
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


OTHER = bytes(range(32, 64))


def test_keys_on_record_are_carried_over_to_a_new_secret_without_the_cards() -> None:
    before, after = CardKeys(SECRET), CardKeys(SECRET, OTHER)
    for number in ("94D8FC5F", "04AABBCCDDEEFF", "00BC0A01"):
        old = before.key(number, "hex")
        assert after.newest_of(old) == after.key(number, "hex") != old
    third = CardKeys(SECRET, OTHER, SECRET[::-1])
    assert third.newest_of(after.key("94D8FC5F", "hex")) == third.key("94D8FC5F", "hex")


def test_who_knows_only_one_of_the_secrets_finds_no_card() -> None:
    key = CardKeys(SECRET, OTHER).key("94D8FC5F", "hex")
    guesses = [CardKeys(one).key("94D8FC5F", "hex") for one in (SECRET, OTHER)]
    guesses += [CardKeys(one, one).key("94D8FC5F", "hex") for one in (SECRET, OTHER)]
    assert key not in guesses


def test_what_is_no_key_is_not_carried_over() -> None:
    with pytest.raises(ValueError, match="one secret only"):
        CardKeys(SECRET).newest_of("0" * 32)
    for wrong in ("", "0" * 31, "0" * 33, "A" * 32, "94D8FC5F"):
        with pytest.raises(ValueError, match="no card key"):
            CardKeys(SECRET, OTHER).newest_of(wrong)


def test_a_secret_is_added_whole_and_for_the_owner_only_and_who_runs_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "card.key"
    running = open_card_keys(path)
    assert add_secret(path) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["card.key"]
    old = running.key("94D8FC5F", "hex")
    assert open_card_keys(path).key("94D8FC5F", "hex") == open_card_keys(path).newest_of(old) != old
    for _ in range(SECRETS_MAX - 2):
        add_secret(path)
    with pytest.raises(BadSettings, match="as many"):
        add_secret(path)
    path.write_text(SECRET.hex() + "\nno secret\n")
    with pytest.raises(BadSettings, match="holds no card secret"):
        open_card_keys(path)


def test_the_command_adds_a_secret_and_maps_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site, path = tmp_path / "site.toml", tmp_path / "card.key"
    site.write_text(
        '[gateway]\nsite = "east"\nid = "b3"\ncard_key_file = "card.key"\n[uplink]\nurl = "mqtt://127.0.0.1:1"\n'
        '[[bus]]\nname = "net"\nkind = "modbus-tcp"\nhost = "127.0.0.1"\n'
        '[[device]]\nid = "m"\nprofile = "eastron/sdm630"\nbus = "net"\nunit = 2\n',
        encoding="utf-8",
    )
    old = open_card_keys(path).key("94D8FC5F", "hex")
    assert main(["card-key", str(site), "--add"]) == 0
    secrets = path.read_text().split()
    assert not any(secret in capsys.readouterr().out for secret in secrets)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{old}\n\n"))
    assert main(["card-key", str(site), "--map"]) == 0
    assert capsys.readouterr().out == f"{old},{open_card_keys(path).key('94D8FC5F', 'hex')}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("94D8FC5F\n"))
    assert main(["card-key", str(site), "--map"]) == 1
    assert "line 1" in capsys.readouterr().err
