"""Set-up: what it does on machines that have little, and that it does nothing twice."""

import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Generator
from functools import partial
from pathlib import Path

import pytest

from deploy import bootstrap, chromium, uv_program
from deploy.shell import SetupError, trusting_this_machine, words
from deploy.uv_program import LockedPackage, Wheel

ROOT = Path(__file__).resolve().parents[2]
NOTHING: dict[str, str] = {}


def program(path: Path, *lines: str) -> Path:
    """A program that does what these shell lines say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    for name in ("uv.lock", "pyproject.toml"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    return root


def fake_uv(folder: Path, project: Path, *, version: str = "99.0.0") -> dict[str, str]:
    """An environment whose uv notes its arguments and makes a `.venv`, or fails on command."""
    log, python = folder / "calls", project / ".venv/bin/python"
    program(
        folder / "uv",
        f'if [ "$1" = --version ]; then echo "uv {version}"; exit; fi',
        f'echo "$@" >> {log}',
        f"if [ -e {folder}/fail-$1 ]; then exit 1; fi",
        f"mkdir -p {python.parent}; touch {python}",
    )
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}


def calls(folder: Path) -> list[str]:
    log = folder / "calls"
    return log.read_text().splitlines() if log.exists() else []


# Doing it, once


def test_installs_what_the_lock_says_and_downloads_no_python(
    project: Path, tmp_path: Path
) -> None:
    environment = fake_uv(tmp_path, project)
    bootstrap.set_up(project, environment, browser=False)
    (sync,) = calls(tmp_path)
    assert sync.startswith(f"sync --frozen --no-progress --project {project} --python /")
    settings = bootstrap.uv_environment(project, {"VIRTUAL_ENV": "x", "UV_PYTHON": "3.9"})
    assert settings["UV_PYTHON_DOWNLOADS"] == "never"
    assert settings["UV_PROJECT_ENVIRONMENT"] == str(project / ".venv")
    assert not {"VIRTUAL_ENV", "UV_PYTHON"} & set(settings)


def test_does_nothing_the_second_time(project: Path, tmp_path: Path) -> None:
    environment = fake_uv(tmp_path, project)
    bootstrap.set_up(project, environment, browser=False)
    bootstrap.set_up(project, environment, browser=False)
    assert len(calls(tmp_path)) == 1


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_does_it_again_after_a_change(project: Path, tmp_path: Path, name: str) -> None:
    environment = fake_uv(tmp_path, project)
    bootstrap.set_up(project, environment, browser=False)
    with (project / name).open("a") as file:
        file.write("# changed\n")
    bootstrap.set_up(project, environment, browser=False)
    assert len(calls(tmp_path)) == 2


def test_does_it_again_when_the_python_of_the_venv_is_gone(project: Path, tmp_path: Path) -> None:
    environment = fake_uv(tmp_path, project)
    bootstrap.set_up(project, environment, browser=False)
    (project / ".venv/bin/python").unlink()
    bootstrap.set_up(project, environment, browser=False)
    assert len(calls(tmp_path)) == 2


def test_a_set_up_that_failed_does_not_look_finished(project: Path, tmp_path: Path) -> None:
    environment = fake_uv(tmp_path, project)
    bootstrap.set_up(project, environment, browser=False)
    (project / "uv.lock").write_text((project / "uv.lock").read_text() + "# changed\n")
    (tmp_path / "fail-sync").touch()
    for _ in range(2):
        with pytest.raises(SetupError, match="could not be installed"):
            bootstrap.set_up(project, environment, browser=False)


def test_tries_the_configured_index_when_the_usual_one_is_out_of_reach(
    project: Path, tmp_path: Path
) -> None:
    environment = fake_uv(tmp_path, project) | {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    (tmp_path / "fail-sync").touch()
    bootstrap.set_up(project, environment, browser=False)
    assert [call.split()[0] for call in calls(tmp_path)] == [
        "sync",
        "export",
        "venv",
        "pip",
        "pip",
    ]
    assert "--require-hashes" in calls(tmp_path)[3]


def test_says_in_one_sentence_why_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "uv.lock").touch()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".tools").touch()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    assert bootstrap.main(["setup"], NOTHING) == bootstrap.FAILED
    assert "cannot be written to" in capsys.readouterr().err


# The lock


def test_the_lock_is_the_one_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    locked = next(package for package in lock["package"] if package["name"] == "firstpoint")
    in_lock = {"": locked["metadata"]["requires-dist"], **locked["metadata"]["requires-dev"]}
    wanted = {"": project["project"]["dependencies"], **project["dependency-groups"]}
    assert {group: {read(entry) for entry in entries} for group, entries in in_lock.items()} == {
        group: {read_requirement(text) for text in texts} for group, texts in wanted.items()
    }, "run `make lock`"


def read(entry: dict[str, str]) -> tuple[str, frozenset[str]]:
    return entry["name"], frozenset(entry.get("specifier", "").split(","))


def read_requirement(text: str) -> tuple[str, frozenset[str]]:
    parts = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[.*\])?(.*)", text)
    assert parts is not None
    return parts[1].lower().replace("_", "-"), frozenset(parts[2].replace(" ", "").split(","))


# uv


def test_takes_the_uv_of_the_machine(project: Path, tmp_path: Path) -> None:
    environment = fake_uv(tmp_path, project)
    assert uv_program.find_uv(project, environment) == tmp_path / "uv"


@pytest.mark.parametrize("version", ["0.8.22", "that does not run"])
def test_passes_over_a_uv_that_will_not_do(project: Path, tmp_path: Path, version: str) -> None:
    environment = fake_uv(tmp_path, project, version=version)
    ours = program(uv_program.uv_home(project) / "bin/uv", "echo uv 0.13.9")
    assert uv_program.find_uv(project, environment) == ours


def test_the_lock_pins_uv_for_machines_of_all_common_kinds() -> None:
    locked = uv_program.locked_package(ROOT, "uv")
    for machine, family in [
        ("x86_64", "manylinux"),
        ("aarch64", "manylinux"),
        ("x86_64", "musllinux"),
        ("aarch64", "musllinux"),
        ("arm64", "macosx"),
        ("x86_64", "macosx"),
    ]:
        wheel = uv_program.choose_wheel(locked.wheels, machine, family)
        assert wheel is not None
        assert f"{family}" in wheel.name
        assert wheel.name.endswith((f"{machine}.whl", f"musllinux_1_1_{machine}.whl"))
        assert len(wheel.sha256) == 64
    assert uv_program.choose_wheel(locked.wheels, "pdp11", "manylinux") is None


def test_pip_installs_only_what_is_pinned(tmp_path: Path) -> None:
    locked = uv_program.locked_package(ROOT, "uv")
    python = program(
        tmp_path / "python",
        f'echo "$@" >> {tmp_path}/calls',
        "echo pip 26.0",
        f'for last; do :; done; [ -f "$last" ] && cp "$last" {tmp_path}/pinned || true',
    )
    assert uv_program.install_with_pip(locked, tmp_path / "uv", {"PATH": "/bin"}, python)
    assert "--require-hashes" in calls(tmp_path)[1]
    pinned = (tmp_path / "pinned").read_text()
    assert pinned.startswith(f"uv=={locked.version} --hash=sha256:")
    assert pinned.count("--hash") == len(locked.wheels)
    assert not uv_program.install_with_pip(locked, tmp_path / "uv", NOTHING, tmp_path / "none")


@pytest.fixture
def index(tmp_path: Path) -> Generator[str]:
    """A package index on this machine, which serves `tmp_path/index`."""
    folder = tmp_path / "index"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    handler = partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def locked(tmp_path: Path, index: str) -> LockedPackage:
    """A uv of a few bytes in that index."""
    name = f"uv-1.2.3-py3-none-{uv_program.libc_family()}_2_17_{os.uname().machine}.whl"
    wheel = tmp_path / "index/files" / name
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as files:
        files.writestr("uv-1.2.3.data/scripts/uv", "#!/bin/sh\necho uv 1.2.3\n")
    page = tmp_path / "index/simple/uv/index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="../../files/other.whl">x</a><a href="../../files/{name}#a">y</a>')
    wheels = (
        Wheel(
            url=f"http://127.0.0.1:9/{name}",
            sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        ),
    )
    return LockedPackage(name="uv", version="1.2.3", wheels=wheels)


def test_gets_uv_without_pip_and_venv(locked: LockedPackage, index: str, tmp_path: Path) -> None:
    target = tmp_path / "work/uv"
    target.parent.mkdir()
    environment = {"PIP_INDEX_URL": f"{index}/simple"}
    assert uv_program.install_by_download(locked, target, environment)
    assert uv_program.uv_version(target / "bin/uv", NOTHING) == (1, 2, 3)


def test_uses_no_file_but_the_pinned_one(
    locked: LockedPackage, index: str, tmp_path: Path
) -> None:
    next((tmp_path / "index/files").iterdir()).write_bytes(b"something else")
    with pytest.raises(SetupError, match="is not the file"):
        uv_program.install_by_download(
            locked, tmp_path / "uv", {"PIP_INDEX_URL": f"{index}/simple"}
        )
    assert not (tmp_path / "uv").exists()


def test_goes_on_when_nothing_can_be_downloaded(locked: LockedPackage, tmp_path: Path) -> None:
    (tmp_path / "index/simple/uv/index.html").unlink()
    assert not uv_program.install_by_download(locked, tmp_path / "uv", NOTHING)


def test_downloads_only_from_the_web(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="not a web address"):
        uv_program.fetch((tmp_path / "file").as_uri())


def test_knows_the_index_configured_for_pip(tmp_path: Path) -> None:
    folders = [tmp_path / "system", tmp_path / "mine"]
    for folder in folders:
        folder.mkdir()
    assert uv_program.configured_index(NOTHING, folders) is None
    (folders[0] / "pip.conf").write_text("[global]\nindex-url = https://system/simple\n")
    assert uv_program.configured_index(NOTHING, folders) == "https://system/simple"
    (folders[1] / "pip.conf").write_text("[global]\nindex-url = https://mine/%20/simple\n")
    assert uv_program.configured_index(NOTHING, folders) == "https://mine/%20/simple"
    environment = {"PIP_INDEX_URL": "https://now/simple"}
    assert uv_program.configured_index(environment, folders) == "https://now/simple"


# Certificates


def test_every_tool_trusts_what_the_machine_trusts(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    assert trusting_this_machine(NOTHING, (bundle,)) == {}
    bundle.touch()
    assert set(trusting_this_machine(NOTHING, (bundle,)).values()) == {str(bundle)}
    own = trusting_this_machine({"PIP_CERT": "/own.crt"}, (bundle,))
    assert own["SSL_CERT_FILE"] == "/own.crt"


# Chromium


def browser(path: Path) -> Path:
    return program(path, "echo Chromium 150.0")


def test_takes_a_chromium_that_runs(project: Path, tmp_path: Path) -> None:
    program(tmp_path / "bin/chromium", "exit 127")
    found = browser(tmp_path / "bin/google-chrome")
    environment = {"PATH": f"{tmp_path}/bin:/bin"}
    (project / ".tools").mkdir()
    chromium.provide_chromium(project, environment)
    assert (project / ".tools/chromium").read_text() == str(found)


def test_looks_only_once(project: Path, tmp_path: Path) -> None:
    (project / ".tools").mkdir()
    (project / ".tools/chromium").write_text(str(browser(tmp_path / "before")))
    chromium.provide_chromium(project, NOTHING)
    named = browser(tmp_path / "named")
    chromium.provide_chromium(project, {"CHROMIUM": str(named)})
    assert (project / ".tools/chromium").read_text() == str(named)


def test_says_when_the_chromium_named_is_none(project: Path, tmp_path: Path) -> None:
    (project / ".tools").mkdir()
    with pytest.raises(SetupError, match="is not a Chromium that runs"):
        chromium.provide_chromium(project, {"CHROMIUM": str(tmp_path / "nothing")})


def test_a_snap_will_not_do(tmp_path: Path) -> None:
    stub = program(tmp_path / "bin/chromium-browser", "exec /snap/bin/chromium", "echo Chromium")
    assert chromium.is_snap(stub)
    assert not chromium.is_snap(browser(tmp_path / "bin/chromium"))
    assert chromium.is_snap(browser(tmp_path / "snap/bin/chromium"))


@pytest.mark.parametrize(("account", "by"), [(0, "apt-get"), (1000, "sudo")])
def test_installs_the_chromium_of_the_distribution(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: int, by: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: account)
    tools = tmp_path / "tools"
    program(tools / "apt-cache", "echo '  Candidate: 150.0'")
    for name in ("env", "chmod", "true"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    program(tools / "sudo", f"echo sudo >> {tmp_path}/calls", "shift", 'exec "$@"')
    made = f"{tools}/chromium"
    program(
        tools / "apt-get",
        f'echo "apt-get $@" >> {tmp_path}/calls',
        f"printf '#!/bin/sh\necho Chromium 150.0\n' > {made}; chmod +x {made}",
    )
    (project / ".tools").mkdir()
    chromium.provide_chromium(project, {"PATH": str(tools)})
    assert (project / ".tools/chromium").read_text() == made
    assert calls(tmp_path)[0].startswith(by)
    assert "install -y --no-install-recommends chromium" in calls(tmp_path)[-1]


def test_goes_on_without_a_chromium_and_says_so(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (project / ".tools").mkdir()
    chromium.provide_chromium(project, {"PATH": str(tmp_path)})
    assert not (project / ".tools/chromium").exists()
    assert "browser tests will fail" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("candidate", "there"),
    [("150.0.1-1~deb12u1", True), ("2:1snap1-0ubuntu2", False), ("(none)", False)],
)
def test_knows_an_empty_package(tmp_path: Path, candidate: str, there: bool) -> None:
    program(tmp_path / "apt-cache", f"echo 'chromium:'; echo '  Candidate: {candidate}'")
    assert chromium.has_package("chromium", {"PATH": f"{tmp_path}:/bin"}) is there


# The Python to run all this with


def with_python(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(ROOT / "deploy/with-python"), "-c", "print('ran')"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_finds_a_python_behind_a_shim_that_fails(tmp_path: Path) -> None:
    program(tmp_path / "python3", "exit 127")
    (tmp_path / "python3.11").symlink_to(sys.executable)
    assert with_python({"PATH": str(tmp_path)}).stdout == "ran\n"


def test_says_in_one_sentence_that_a_python_is_too_old(tmp_path: Path) -> None:
    old = program(tmp_path / "python3", "exit 1")
    answer = with_python({"PATH": str(tmp_path), "PYTHON": str(old)})
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "Python 3.11 or newer" in answer.stderr


def test_words() -> None:
    assert words("a -b", Path("/with blank"), "c") == ["a", "-b", "/with blank", "c"]
