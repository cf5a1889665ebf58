"""Headless Chromium, driven by its DevTools protocol, and what every page has to hold in it."""

import importlib.util
import itertools
import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.processes import HANG_SECONDS, wait_until

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
BAD_NEWS = {"error", "assert", "warning"}
SCROLLS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNSEEN = """[...document.querySelectorAll(".picture svg")].filter((each) => {
  const box = each.getBoundingClientRect();
  return !(box.width > 40 && box.height > 20);
}).length"""
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
AXE = """axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations
  .filter((each) => ["serious", "critical"].includes(each.impact))
  .map((each) => `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`))"""


def program():
    """Where Chromium is; None where it is not."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def axe():
    """The source of axe-core, where the package that has it is installed; else None."""
    found = importlib.util.find_spec("axe_core_python")
    return None if found is None else (Path(found.origin).parent / "axe.min.js").read_text()


class Browser:
    """One tab of a browser of its own.

    Args:
        profile: an empty folder.
    """

    def __init__(self, profile):
        import websocket

        flags = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
        )
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen([program(), *flags, "about:blank"], **quiet)
        told = profile / "DevToolsActivePort"
        wait_until(lambda: told.exists() and len(told.read_text().splitlines()) > 1, "Chromium listened", None)
        port, path = told.read_text().splitlines()[:2]
        address = f"ws://127.0.0.1:{port}{path}"
        self._socket = websocket.create_connection(address, timeout=HANG_SECONDS, suppress_origin=True)
        self._numbers, self._session, self._events = itertools.count(1), None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        with suppress(OSError):
            self._socket.close()
        self._process.terminate()
        self._process.wait(HANG_SECONDS)

    def call(self, method, **parameters):
        """The answer to one command of the protocol; events that come before it are kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self._events.append(answer)

    def open(self, address, width, scheme):
        """Load a page, ``width`` pixels wide, in the colour scheme ``light`` or ``dark``."""
        self._events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=address)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(json.loads(self._socket.recv()))

    def ask(self, expression):
        """What an expression of JavaScript gives on the page."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key):
        """Press a key where the focus is."""
        code, text = {"Enter": (13, "\r"), "Tab": (9, "")}[key]
        for kind in ("keyDown", "keyUp"):
            known = {"key": key, "code": key, "windowsVirtualKeyCode": code}
            self.call(
                "Input.dispatchKeyEvent", type=kind, **known, **({"text": text} if kind == "keyDown" and text else {})
            )

    def point(self, x, y):
        """Move the pointer to a place of the window, in pixels."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    @property
    def trouble(self):
        """What went wrong on the page since it was opened: exceptions, errors and warnings of the console."""
        said = [event for event in self._events if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
        said += [
            event
            for event in self._events
            if event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] in BAD_NEWS
        ]
        return [json.dumps(event["params"])[:2000] for event in said]


def check_page(browser, html, folder):
    """Assert what holds for every page: a silent console, every picture there, no sideways scroll, nothing serious of axe's.

    Args:
        browser: a :class:`Browser`.
        html: the page.
        folder: where it may be written.
    """
    (folder / "page.html").write_text(html)
    address, source = (folder / "page.html").as_uri(), axe()
    for width, scheme in itertools.product(WIDTHS, SCHEMES):
        browser.open(address, width, scheme)
        where = f"{width} pixels, {scheme}"
        assert browser.ask(SCROLLS) <= 0, f"scrolls sideways, folded: {where}"
        browser.ask(UNFOLD)
        assert browser.ask(SCROLLS) <= 0, f"scrolls sideways: {where}"
        unseen = browser.ask(UNSEEN)
        assert unseen == 0, f"{unseen} pictures are not seen: {where}"
        assert browser.ask("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
        if source is not None:
            browser.ask(f"{source}; 0")
            hindering = browser.ask(AXE)
            assert hindering == [], f"{hindering}: {where}"
        trouble = browser.trouble
        assert trouble == [], f"{trouble}: {where}"
