"""`dayuan-cloud gateway` and `dayuan-cloud broker`, as typed."""

import json
import stat
from pathlib import Path

import pytest

from cloud.cli import DONE, FAILED, WRONG, main
from protocols.enrolment import read_code


@pytest.fixture
def data(tmp_path: Path, empty_registry: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "registry.sqlite").write_bytes(empty_registry.read_bytes())
    return folder


def test_a_code_is_printed_once_with_what_to_type_and_the_list_shows_the_invited(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gateway", "add", "east/b3", "--data", str(data), "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    read_code(told["code"])
    assert told["on_the_box"].startswith("dayuan-edge enrol http://127.0.0.1:8080 " + told["code"])
    assert main(["gateway", "list", "--data", str(data), "--json"]) == DONE
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["gateway"], row["state"], bool(row["code_until"])) == ("east/b3", "invited", True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gateway", "add", "east"], "no SITE/GATEWAY"),
        (["gateway", "add", "east/#"], "no SITE/GATEWAY"),
        (["gateway", "add", "east/b3", "--lasts", "2d"], "1 min to 24 h"),
        (["gateway", "add", "east/b3", "--lasts", "soon"], "--lasts"),
        (["gateway", "revoke", "east/b3"], "is not enrolled"),
        (["broker", "files", "there"], "--name"),
        (["broker", "files", "there", "--broker-listen", "x"], "--broker-listen"),
        (["broker", "files", "th ere", "--name", "a"], "no folder with blanks"),
        (["broker", "files", "there", "--name", "ä"], "no host name"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--data", str(data)]) == FAILED
    assert said in capsys.readouterr().err


def test_the_brokers_key_is_for_its_owner_only(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["broker", "files", str(tmp_path / "b"), "--name", "broker.example", "--name", "10.0.0.5", "--json"]
    assert main([*words, "--data", str(data)]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told["names"] == ["broker.example", "10.0.0.5"]
    modes = {name: stat.S_IMODE((tmp_path / "b" / name).stat().st_mode) for name in ("server.key", "access")}
    assert modes == {"server.key": 0o600, "access": 0o644}
    conf = (tmp_path / "b" / "mosquitto.conf").read_text()
    for line in ("allow_anonymous false", "require_certificate true", "use_identity_as_username true"):
        assert line in conf.splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[broker]\nown_certificate = true\n", "cloud.toml:2: broker.own_certificate: mqtt://127.0.0.1:1883"),
        ('[broker]\nurl = "mqtts://b"\nown_certificate = true\nca_file = "x.pem"\n', "cloud.toml:4: broker.ca_file"),
        ('[broker]\nfiles = "nowhere"\n', "cloud.toml:2: broker.files"),
    ],
)
def test_settings_of_identity_that_do_not_hold_together_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "cloud.toml"
    path.write_text(text)
    (tmp_path / "x.pem").touch()
    assert main(["check", str(path)]) == WRONG
    assert said in capsys.readouterr().err


def test_the_brokers_certificate_is_renewed_when_it_is_time_or_now(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "broker"
    assert main(["broker", "files", str(folder), "--name", "a", "--data", str(data), "--json"]) == DONE
    capsys.readouterr()
    renew = ["broker", "renew", str(folder), "--data", str(data), "--json"]
    before, key = (folder / "server.pem").read_bytes(), (folder / "server.key").read_bytes()
    assert main(renew) == DONE
    assert json.loads(capsys.readouterr().out)["renewed"] is False
    assert (folder / "server.pem").read_bytes() == before
    assert main([*renew, "--now"]) == DONE
    assert json.loads(capsys.readouterr().out)["renewed"] is True
    assert (folder / "server.pem").read_bytes() != before
    assert (folder / "server.key").read_bytes() == key
    assert main(["broker", "renew", str(tmp_path / "nothing"), "--data", str(data)]) == FAILED
    assert "broker files" in capsys.readouterr().err


def test_at_the_machine_nobody_approves_and_what_is_not_there_is_not_rejected(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["approval", "list", "--data", str(data), "--json"]) == DONE
    assert json.loads(capsys.readouterr().out) == []
    assert main(["approval", "reject", "0" * 32, "--data", str(data)]) == FAILED
    assert "nothing of that number" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["approval", "approve", "0" * 32, "--data", str(data)])
