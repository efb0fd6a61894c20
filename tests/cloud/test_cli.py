"""``dayuan-cloud`` as typed: codes, words and JSON."""

import json
from pathlib import Path

import pytest

from cloud.cli import build_parser, main
from cloud.registry.database import Database
from protocols.clock import SystemClock


@pytest.fixture
async def data(tmp_path: Path) -> str:
    database = Database(tmp_path / "registry.sqlite", SystemClock())
    await database.open()
    await database.close()
    return str(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_check_says_what_the_settings_mean(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text('[listen]\naddress = "0.0.0.0:8080"\n[[site]]\nid = "east"\ntime_zone = "Asia/Shanghai"\n')
    code, out, _ = run(capsys, "check", str(file), "--json")
    facts = json.loads(out)
    assert (code, facts["listen"], facts["sites"]) == (0, "0.0.0.0:8080", ["east"])
    assert any("in clear" in warning for warning in facts["warnings"])
    assert list(tmp_path.iterdir()) == [file], "check makes nothing"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[listen]\naddres = "x"\n', "cloud.toml:2: listen.addres: unknown key; did you mean 'address'?"),
        ('[broker]\nurl = "mqtt://u:p@h"\n', "cloud.toml:2: broker.url: a broker address holds no credentials"),
        ('\n\n[[site]]\nid = "East Compound"\n', "cloud.toml:4: site[0].id"),
        ('[[site]]\nid = "a"\ntime_zone = "Mars/X"\n', "cloud.toml:3: site[0].time_zone: 'Mars/X' is no time zone"),
        ('[users]\nsession_idle = "ten minutes"\n', "cloud.toml:2: users.session_idle"),
        ("[limits]\npages = 0\n", "cloud.toml:2: limits.pages: 0 is too small (allowed: 1 and more)"),
        ('[listen]\ntls_key_file = "nope.pem"\n', "nope.pem cannot be read"),
        ("[listen\n", "cloud.toml:1: not TOML"),
    ],
)
def test_wrong_settings_are_named_with_file_line_and_key(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text(text)
    code, _, err = run(capsys, "run", str(file), "--data", str(tmp_path / "data"))
    assert code == 2
    assert says in err
    assert not (tmp_path / "data").exists(), "nothing was started"


def test_what_the_command_line_says_wrongly_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "check", "--listen", "8080")
    assert (code, err.startswith("command line: --listen: '8080' is no address")) == (2, True)


def test_users_are_made_listed_reset_and_shut_out(capsys: pytest.CaptureFixture[str], data: str) -> None:
    code, out, _ = run(capsys, "user", "add", "Li", "--role", "administrator", "--data", data, "--json")
    first = json.loads(out)
    assert (code, first["user"], first["roles"]) == (0, "li", ["administrator"])
    assert len(first["one_time_password"]) >= 16
    _, out, _ = run(capsys, "user", "reset", "li", "--data", data, "--json")
    assert json.loads(out)["one_time_password"] != first["one_time_password"]
    run(capsys, "user", "add", "wang", "--data", data)
    assert run(capsys, "user", "disable", "wang", "--data", data)[0] == 0
    _, out, _ = run(capsys, "user", "list", "--data", data, "--json")
    assert [(user["name"], user["roles"], user["disabled"]) for user in json.loads(out)] == [
        ("li", ["administrator"], False),
        ("wang", ["viewer"], True),
    ]
    code, _, err = run(capsys, "user", "disable", "li", "--data", data)
    assert (code, "last administrator" in err) == (1, True)
    code, _, err = run(capsys, "user", "reset", "nobody", "--data", data)
    assert (code, "no user 'nobody'" in err) == (1, True)


def test_a_token_is_shown_once(capsys: pytest.CaptureFixture[str], data: str) -> None:
    _, out, _ = run(capsys, "token", "add", "grafana", "--lasts", "90 d", "--data", data, "--json")
    made = json.loads(out)
    assert made["token"].startswith("dayuan_")
    _, out, _ = run(capsys, "token", "list", "--data", data)
    assert made["id"] in out
    assert made["token"] not in out
    assert run(capsys, "token", "revoke", made["id"], "--data", data)[0] == 0
    code, _, err = run(capsys, "token", "revoke", made["id"], "--data", data)
    assert (code, "no token" in err) == (1, True)
    code, _, err = run(capsys, "token", "add", "x", "--lasts", "soon", "--data", data)
    assert (code, "--lasts" in err) == (1, True)


def test_a_mistyped_folder_is_told_and_not_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "user", "list", "--data", str(tmp_path / "typo"))
    assert (code, "there is no registry" in err) == (1, True)
    assert not (tmp_path / "typo").exists()


def test_a_damaged_registry_is_told_and_left_where_it_lies(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "registry.sqlite"
    file.write_bytes(b"garbage" * 1000)
    code, _, err = run(capsys, "user", "list", "--data", str(tmp_path))
    assert (code, "registry.sqlite" in err) == (1, True)
    assert file.read_bytes() == b"garbage" * 1000


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["--help"],
        ["run", "--help"],
        ["check", "--help"],
        ["user", "add", "--help"],
        ["token", "add", "--help"],
    ):
        with pytest.raises(SystemExit) as end:
            build_parser().parse_args(words)
        assert end.value.code == 0
    assert "role" in capsys.readouterr().out
