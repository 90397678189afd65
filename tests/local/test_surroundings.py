"""Given somebody with AWS of their own and a proxy, then the embedded default minds neither, and their shell reaches it alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import botocore.session
import pytest
from requests.utils import should_bypass_proxies

from local.embedded import PROJECT
from local.surroundings import for_a_shell, set_aside

THEIRS = {
    "AWS_PROFILE": "prod-admin",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SESSION_TOKEN": "theirs",
    "AWS_ENDPOINT_URL_KMS": "http://127.0.0.1:9",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}
NOBODY = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
OURS = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "AKIAEMULATED"}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with a config file of AWS that would send whatever is asked to AWS itself."""
    (tmp_path / "config").write_text("[default]\nignore_configured_endpoint_urls = true\n")
    around = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    around = {name: value for name, value in around.items() if not name.lower().endswith("_proxy")}
    return {**around, **THEIRS, "AWS_CONFIG_FILE": str(tmp_path / "config")}


@pytest.mark.parametrize("given", [{}, {"no_proxy": ".example.org"}, {"NO_PROXY": ".example.org"}, {"NO_PROXY": "*"}])
def test_loopback_is_reached_past_a_proxy_and_the_rest_by_it(
    given: dict[str, str], home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    environment = home | given
    set_aside(environment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for host in ("127.0.0.1", "localhost"):
        assert urllib.request.proxy_bypass(host)
        assert should_bypass_proxies(f"https://{host}:1/", None)
    assert bool(urllib.request.proxy_bypass("elsewhere.example")) == (given.get("NO_PROXY") == "*")
    assert bool(urllib.request.proxy_bypass("host.example.org")) == bool(given), "what they excluded stays excluded"


def test_their_profile_that_is_not_there_ends_nothing(home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    environment = dict(home)
    set_aside(environment)
    for name in {*os.environ, *environment}:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    session = botocore.session.get_session()
    assert session.get_scoped_config() == {}
    assert session.get_credentials() is None


# What each begins with, in place of what it would do next: the names of AWS that it still sees.
MAINS = {
    "up": "from local import up as it; sys.argv[1:] = ['--serve', os.devnull]; it.serve = seen",
    "story": "from local.story import __main__ as it; it.Book = seen",
    "rehearsal": "from local.rehearsal import __main__ as it; sys.argv[1:] = ['--list']; it._list = seen",
    "a benchmark": "from benchmarks import common as it; it.Console = seen; it.main = lambda m=it.main: m('x', '', None, n=1, n_is='')",
}
BEGINS = """
import os, sys
def seen(*_, **__):
    print(sorted(name for name in os.environ if name.startswith("AWS_")), os.environ["NO_PROXY"], flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("begins", MAINS.values(), ids=list(MAINS))
def test_whatever_starts_it_sets_them_aside_first(begins: str, home: dict[str, str]) -> None:
    script = f"{BEGINS}\n{begins}\nit.main()"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, env=home, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stdout == f"{list(NOBODY)} 127.0.0.1,localhost\n", ended.stderr


@pytest.mark.parametrize("shell", [name for name in ("sh", "bash", "zsh", "ksh") if shutil.which(name)])
def test_a_shell_that_reads_the_file_has_what_is_up_alone(shell: str, home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "up.env").write_text(for_a_shell(OURS.items()))
    line = ". ./up.env && . ./up.env && env"  # read twice: what the first time set goes as well
    ended = subprocess.run([shell, "-euc", line], cwd=tmp_path, env=home, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    left = dict(line.split("=", 1) for line in ended.stdout.splitlines() if line.startswith(("AWS_", "no_", "NO_")))
    here = "127.0.0.1,localhost"
    assert left == OURS | NOBODY | {"NO_PROXY": f"{here},{here}", "no_proxy": f"{here},{here}"}
