"""Node and Python applications with packages from npm and PyPI, for the code that obsctl makes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from obsctl.conventions import APP_PACKAGES
from tests.kit.cache import cache_root, content_key, locked, timed
from tests.kit.host import KitUnavailable, run

NODE_MINIMUM = (20, 19)  # what @sentry/node asks for
# A second name for Express 4, so that one directory serves both; the linter judges our code.
_NPM = {
    **APP_PACKAGES["express"],
    "express": "5.3.0",
    "express4": "npm:express@4.22.3",
    "eslint": "10.15.0",
    "@eslint/js": "10.0.1",
    "autocannon": "8.0.0",
}
_PYPI = {**APP_PACKAGES["fastapi"], "fastapi": "0.165.0", "uvicorn": "0.54.0"}


def node_program() -> str:
    """The path of a node that is new enough."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        raise KitUnavailable("there is no node and npm on PATH")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = told.stdout.strip().removeprefix("v")
    if tuple(int(part) for part in version.split(".")[:2]) < NODE_MINIMUM:
        raise KitUnavailable(f"node {version} is older than {'.'.join(map(str, NODE_MINIMUM))}")
    return program


def node_modules() -> Path:
    """The directory with the packages, installed once; no package's scripts are run."""
    node_program()
    directory = cache_root() / "npm" / content_key(_NPM)
    return _once(directory, directory / "node_modules", "npm", lambda: _npm(directory))


def python_program() -> Path:
    """The interpreter of a virtual environment with FastAPI and what our code needs."""
    directory = cache_root() / "python-app" / content_key(_PYPI, sys.version)
    return _once(directory, directory / "bin" / "python", "pip", lambda: _venv(directory))


def _once(directory: Path, wanted: Path, what: str, install: Callable[[], None]) -> Path:
    with locked(f"apps-{what}"):
        if not (directory / ".complete").exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            with timed(f"{what} install"):
                install()
            (directory / ".complete").touch()
    return wanted


def _npm(directory: Path) -> None:
    (directory / "package.json").write_text(json.dumps({"private": True, "dependencies": _NPM}))
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"]
    run(["npm", "install", *options], cwd=directory)


def _venv(directory: Path) -> None:
    run([sys.executable, "-m", "venv", str(directory)])
    wanted = [f"{name}=={version}" for name, version in _PYPI.items()]
    pip = [str(directory / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, *wanted])


def app_directory(directory: Path, files: Mapping[str, str]) -> Path:
    """A directory with an app's files and nothing else, its packages at hand."""
    packages = node_modules()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name, text in files.items():
        (directory / name).write_text(text)
    (directory / "node_modules").symlink_to(packages)
    return directory
