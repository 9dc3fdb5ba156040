"""Takes the pictures of the clinic for the README: ``python docs/pictures.py``, or ``make pictures``.

Makes a small demonstration in runs/pictures where there is none, serves it, signs in by role as people do,
and writes docs/images/clinic-*.png. Needs chromium.
"""

import argparse
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from alleviate.clinic.demo.building import Ready, Size, prepare
from alleviate.clinic.settings import Settings
from alleviate.clinic.wiring import build, services
from alleviate.terms.errors import InputError

IMAGES = Path(__file__).parent / "images"
SIZE = Size(current=60, recent=40, past=1500)
DESK, PHONE = (1280, 900), (390, 844)
MOST_BYTES = 260_000
LONG = 5
"""Scores of whose course is worth a picture."""

Told = dict[str, Any]


@dataclass
class Camera:
    """Windows at the clinic, one for each login and width."""

    browser: Browser
    address: str
    password: str
    folder: Path
    windows: dict[tuple[str, int], Page] = field(default_factory=dict)

    def window(self, login: str, size: tuple[int, int] = DESK) -> Page:
        """Signed in as ``login``; "" is nobody."""
        key = (login, size[0])
        if key not in self.windows:
            page = self.browser.new_page(viewport={"width": size[0], "height": size[1]})
            if login:
                page.goto(self.address)
                page.get_by_label("Login").fill(login)
                page.get_by_label("Password", exact=True).fill(self.password)
                page.get_by_role("button", name="Sign in", exact=True).click()
                page.wait_for_url(lambda url: "/sign-in" not in url)
            self.windows[key] = page
        return self.windows[key]

    def take(self, name: str, page: Page, height: int, top: str = "") -> None:
        """``height`` pixels of the page, from what ``top`` selects on. Raises InputError for a large file."""
        page.set_viewport_size({"width": page.viewport_size["width"], "height": height})  # type: ignore[index]
        for chart in page.locator(".app-chart__picture").all():
            chart.and_(page.locator("[data-drawn]")).wait_for(state="attached")
        page.wait_for_timeout(300)
        if top:
            page.locator(top).first.evaluate("(each) => window.scrollTo(0, each.offsetTop - 24)")
        path = self.folder / f"clinic-{name}.png"
        page.screenshot(path=path, animations="disabled")
        size = path.stat().st_size
        sys.stdout.write(f"{path}: {size // 1000} kB\n")
        if size > MOST_BYTES:
            raise InputError(f"{path.name} has {size} bytes, at most {MOST_BYTES}.", hint="Show less of it.")


def of_clinician(camera: Camera) -> None:
    """The caseload, the page of who is most urgent, advice by which options differ, a decision on it."""
    page = camera.window("clinician1")
    page.goto(f"{camera.address}/caseload/")
    camera.take("caseload", page, 900)
    followed = next(each for each in people(page, camera.address) if scores(each) >= LONG)
    page.goto(f"{camera.address}/patients/{followed['patient']}/")
    camera.take("patient", page, 1250, ".app-who")
    advised = found(page, camera.address, lambda told: told["proposal"]["standing"] == "established")
    page.goto(f"{camera.address}/patients/{advised}/advice")
    camera.take("advice", page, 1250, "#proposal")
    decide(page)
    camera.take("decision", page, 560, "#decision")


def decide(page: Page) -> None:
    """Otherwise than proposed, with a reason; where today's advice is decided on already, it stays so."""
    chosen = page.locator("[name=chosen]")
    if chosen.count():
        chosen.nth(1).check()
        page.locator("select[name=reason]").first.select_option("patient-prefers")
        page.locator("[name=note]").fill("Talked over together. We look at it again in four weeks.")
        page.get_by_role("button", name="Record the decision").click()
    else:
        page.goto(f"{page.url.rpartition('/')[0]}/decisions")
        page.locator("main table a").first.click()
    page.wait_for_url("**/decisions/*")


def of_patient(camera: Camera, link: str) -> None:
    """A questionnaire behind a link, one's own course, and the options."""
    phone = camera.window("", PHONE)
    phone.goto(f"{camera.address}/q/{link}")
    camera.take("questionnaire", phone, 1020)
    own = camera.window("patient1", PHONE)
    own.goto(f"{camera.address}/mine/course")
    camera.take("course", own, 1020, "h2")
    own.goto(f"{camera.address}/mine/options")
    camera.take("options", own, 1020, "h1")


def of_officers(camera: Camera) -> None:
    """What became of the advice, and how the service fares."""
    page = camera.window("safety1")
    for name, height in (("decisions", 1100), ("service", 1250)):
        for _ in range(20):
            page.goto(f"{camera.address}/officers/{name}")
            if not page.get_by_text("No figures have been worked out yet").is_visible():
                break
            page.get_by_role("button", name="Compute now").click()
        camera.take(name, page, height, "h1")


def scores(person: Told) -> int:
    return max((len(each["points"]) for each in person["measures"]), default=0)


def people(page: Page, address: str) -> list[Told]:
    """The caseload of who is signed in, the most urgent first."""
    everybody: list[Told] = []
    for number in range(1, 100):
        told = page.request.get(f"{address}/api/v1/caseload?page={number}").json()
        everybody += told["people"]
        if number >= told["pages"]:
            break
    return everybody


def found(page: Page, address: str, wanted: Callable[[Told], bool]) -> str:
    """The first of the caseload whose advice is as wanted, else the first."""
    ids: list[str] = [each["patient"] for each in people(page, address)]
    for patient in ids:
        answer = page.request.get(f"{address}/api/v1/patients/{patient}/advice")
        if answer.ok and wanted(answer.json()):
            return patient
    return ids[0]


@contextmanager
def served(ready: Ready) -> Iterator[str]:
    """The demonstration at a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ.pop("ALLEVIATE_KEY", None)
    os.environ["ALLEVIATE_KEY_FILE"] = str(ready.key)
    address = f"http://127.0.0.1:{port}"
    settings = Settings(
        vault=str(ready.vault), packages=ready.packages, base_url=address, demo=True, second_factor=False
    )
    server = uvicorn.Server(uvicorn.Config(build(services(settings)), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield address
    server.should_exit = True
    thread.join()


def tell(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--demo", type=Path, default=Path("runs/pictures"), help="the demonstration's folder")
    asked.add_argument("--out", type=Path, default=IMAGES, help="where the pictures go")
    given = asked.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    ready = prepare(
        given.demo, size=SIZE, shipped=(), say=lambda words: sys.stderr.write(f"{words}\n") and None
    )
    with served(ready) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        camera = Camera(browser, address, ready.password, given.out)
        of_clinician(camera)
        of_patient(camera, ready.link)
        of_officers(camera)
        browser.close()


if __name__ == "__main__":
    main()
