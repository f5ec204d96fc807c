"""A headless Chromium by the WebDriver protocol: just what the tests of pages need, without a client library."""

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

START_SECONDS = 30
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


def installed() -> bool:
    return shutil.which("chromium") is not None and shutil.which("chromedriver") is not None


class Browser:
    """One window. Addresses are absolute."""

    def __init__(self, session: str) -> None:
        self.session = session

    def call(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = requests.request(verb, f"{self.session}{path}", json=body if verb == "POST" else None, timeout=60)
        value = answer.json()["value"]
        assert answer.ok, value
        return value

    def open(self, address: str) -> None:
        self.call("POST", "/url", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script: str, *arguments: Any) -> Any:
        """Run a script that calls its last argument back."""
        return self.call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def cookie(self, name: str, value: str) -> None:
        self.call("POST", "/cookie", {"cookie": {"name": name, "value": value, "path": "/"}})

    def size(self, width: int, height: int) -> None:
        """Set the size of the page's area, small ones too."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name: str) -> None:
        """Prefer "dark" or "light" colours."""
        self.devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def devtools(self, command: str, parameters: dict[str, Any]) -> Any:
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def violations(self) -> list[str]:
        """Return the console's lines about the pages' Content-Security-Policy since the last call."""
        lines = self.call("POST", "/se/log", {"type": "browser"})
        return [line["message"] for line in lines if "Content Security Policy" in line["message"]]

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start chromedriver and one window; end both."""
    port = _free_port()
    driver = subprocess.Popen(["chromedriver", f"--port={port}", "--log-level=OFF"], stdout=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        _await(base)
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"], "binary": shutil.which("chromium")}
        asked = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        wanted = {"capabilities": {"alwaysMatch": asked}}
        answer = requests.post(f"{base}/session", json=wanted, timeout=60).json()["value"]
        assert "sessionId" in answer, answer
        window = Browser(f"{base}/session/{answer['sessionId']}")
        try:
            yield window
        finally:
            window.call("DELETE", "")
    finally:
        driver.terminate()
        driver.wait(10)


def _await(base: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if requests.get(f"{base}/status", timeout=2).json()["value"]["ready"]:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, "chromedriver did not start"
        time.sleep(0.05)
