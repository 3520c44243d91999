"""Headless Chromium over its debugging pipe: loads a page, says what it drew and how it reads."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from tests.tiers import unavailable

_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
# Chromium reads commands from descriptor 3 and answers on 4.
_START: Final = 'exec "$0" "$@" 3<&"$IN" 4>&"$OUT"'


def ensure_chromium() -> str:
    """Debian's Chromium; installed where it is missing and we may, else the tier is skipped."""
    if found := shutil.which("chromium"):
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        unavailable("tools", "chromium is not installed, and only root can install it")
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        unavailable("tools", f"chromium cannot be installed: {done.stderr.strip()[-200:]}")
    return shutil.which("chromium") or unavailable("tools", "chromium is not installed")


@dataclass(slots=True)
class Browser:
    """One tab; `asked` are the addresses of everything that it has loaded."""

    commands: BinaryIO
    answers: BinaryIO
    session: str = ""
    number: int = 0
    asked: list[str] = field(default_factory=list)
    loaded: bool = False

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the DevTools protocol, and its result."""
        self.number += 1
        message: dict[str, object] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (answer := self._next()).get("id") != self.number:
            self._note(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        data = b""
        while (byte := self.answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            data += byte
        message: dict[str, Any] = json.loads(data)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(message["params"]["request"]["url"])
        self.loaded = self.loaded or message.get("method") == "Page.loadEventFired"

    def show(self, page: Path, width: int, height: int, scheme: str) -> None:
        """Load a page in a window of this size, in the `light` or `dark` colour scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.call("Emulation.setDeviceMetricsOverride", mobile=width < height, **metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        self.loaded = False
        self.call("Page.navigate", url=page.as_uri())
        while not self.loaded:
            self._note(self._next())

    def evaluate(self, script: str) -> Any:  # noqa: ANN401 - as the script says
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def accessible(self) -> list[tuple[str, str]]:
        """(role, name) of all that assistive technology is told, in reading order."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        shown = (node for node in nodes if not node.get("ignored"))
        return [
            (node["role"]["value"], str((node.get("name") or {}).get("value", "")))
            for node in shown
        ]


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A fresh profile and one tab; the process is gone afterwards."""
    chromium = ensure_chromium()
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()
    environment = {**os.environ, "IN": str(read_commands), "OUT": str(write_answers)}
    process = subprocess.Popen(
        ["bash", "-c", _START, chromium, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(read_commands, write_answers),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_commands)
    os.close(write_answers)
    try:
        with os.fdopen(write_commands, "wb") as commands, os.fdopen(read_answers, "rb") as answers:
            tab = Browser(commands, answers)
            target = tab.call("Target.createTarget", url="about:blank")["targetId"]
            attached = tab.call("Target.attachToTarget", targetId=target, flatten=True)
            tab.session = attached["sessionId"]
            for domain in ("Page", "Network", "Accessibility"):
                tab.call(f"{domain}.enable")
            yield tab
            tab.session = ""
            tab.call("Browser.close")
    finally:
        process.kill()
        process.wait()
