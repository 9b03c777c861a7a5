"""The page in a real browser: Chromium without a window.

Screenshots are left in ``build/page`` to be looked at.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.sdk.serving import Server, serving
from tests.sdk.videos import MjpegServer, numbered_picture, write_timed_video
from tests.sdk.waiting import wait_until

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PICTURES = Path(__file__).parents[2] / "build" / "page"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    options = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A desktop's; fails if the page's program does."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@pytest.fixture(scope="module")
def server(model_path: Path, clip: Path) -> Iterator[Server]:
    with serving(model_path, clip, "--loop") as running:
        running.wait_for_steps()
        yield running


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test leaves on the server that all share goes, so that one failure stays one."""
    yield
    if "server" in request.fixturenames:
        running: Server = request.getfixturevalue("server")
        own, *guests = (feed["id"] for feed in running.feeds())
        for guest in guests:
            running.http.delete(f"/api/feeds/{guest}")
        running.http.put(f"/api/feeds/{own}/settings", json={})


def shot(page: Page, name: str) -> None:
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def test_labels_change(page: Page, server: Server) -> None:
    page.goto(server.url)
    expect(page.locator("#connection")).to_have_text("connected")
    expect(page.locator(".best li")).to_have_count(5)
    expect(page.locator(".picture img")).to_be_visible()
    scores = page.locator(".best").inner_text()
    page.wait_for_function(
        "before => document.querySelector('.best').innerText !== before", arg=scores
    )
    first = page.locator(".picture img").get_attribute("src")
    page.wait_for_function(
        "before => document.querySelector('.picture img').src !== before", arg=first
    )
    # Something is drawn in the chart: not all of its pixels are empty.
    page.wait_for_function(
        "() => { const c = document.querySelector('.timeline');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean); }"
    )
    shot(page, "light")


def colors_in(card: Locator) -> dict[str, str]:
    """Of the classes of a card's list, as the page shows them."""
    found: dict[str, str] = card.locator(".best").evaluate(
        "list => Object.fromEntries([...list.children].map(item =>"
        " [item.querySelector('.label').innerText, getComputedStyle(item).borderLeftColor]))"
    )
    return found


@pytest.mark.parametrize("dark", [False, True])
def test_colors_of_classes(dark: bool, page: Page, server: Server) -> None:
    """Those of few classes differ well; all stand out from the card that they are on."""
    page.goto(server.url)
    texts = page.evaluate(
        "async dark => { const { classColor } = await import('/static/color.js');"
        " return Array.from({ length: 700 }, (_, index) => classColor(index, dark)); }",
        dark,
    )
    colors = np.array([[int(part) for part in re.findall(r"\d+", text)] for text in texts])
    few = colors[:9].astype(float)
    gaps = np.linalg.norm(few[:, None] - few[None], axis=-1) + 999 * np.eye(9)
    assert gaps.min() > 45
    levels = colors / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    # Of graphics, at least 3 (WCAG 2.2, 1.4.11).
    contrast = (luminance + 0.05) / (0.0138 + 0.05) if dark else 1.05 / (luminance + 0.05)
    assert contrast.min() > 3


def test_a_class_has_one_color(page: Page, server: Server, tmp_path: Path) -> None:
    """In lists, legends and feeds, and after the page was loaded anew."""
    write_timed_video(tmp_path / "long.mp4", [100 * number for number in range(200)])
    video = (tmp_path / "long.mp4").read_bytes()
    sent = server.http.post("/api/uploads", content=video).json()["id"]
    settings = {"allow": ["thing 1", "thing 3"]}
    server.http.put(f"/api/feeds/{sent}/settings", json=settings)
    found = []
    for _ in range(2):
        page.goto(server.url)
        all_five, two = page.locator(".feed").nth(0), page.locator(".feed").nth(1)
        expect(all_five.locator(".best li")).to_have_count(5)
        expect(two.locator(".best li")).to_have_count(2)
        found.append(colors_in(all_five))
        assert len(set(found[-1].values())) == 5
        assert colors_in(two).items() <= found[-1].items()
        marks = all_five.locator(".legend span")
        expect(marks).not_to_have_count(0)
        for mark in marks.all():
            color = mark.locator("i").evaluate("mark => getComputedStyle(mark).borderTopColor")
            assert color == found[-1][mark.inner_text().strip()]
    assert found[0] == found[1]


def test_charts_say_what_they_show(page: Page, server: Server) -> None:
    """In titles for who sees them, in words for who does not."""
    page.goto(server.url)
    page.get_by_text("Time per step").click()
    for chart, words in (
        (page.locator(".timeline"), r"Scores from 0 to 1 of the last \d+ seconds\. Now: thing"),
        (page.locator(".histogram"), r"Times of \d+ steps: the last ones took [\d.]+ ms"),
        (page.locator("#memory-chart"), r"Memory of the server: now \d+ MB, at most \d+ MB"),
    ):
        expect(chart).to_have_attribute("aria-label", re.compile(words))
        assert chart.get_attribute("role") == "img"
    for title in ("Scores of the last two minutes", "Time per step", "memory, MB"):
        expect(page.get_by_text(title).first).to_be_visible()
    # Nothing is drawn over an axis' end: the canvas is as large as it is shown.
    for chart in page.locator("canvas").all():
        ratio = chart.evaluate("chart => chart.width / chart.clientWidth / devicePixelRatio")
        assert ratio == pytest.approx(1, abs=0.02)


def test_an_upload_of_one_frame(page: Page, server: Server, tmp_path: Path) -> None:
    """It is over before the page watches; its answer is seen all the same."""
    write_timed_video(tmp_path / "short.mp4", [0])
    Image.fromarray(numbered_picture(21)).save(tmp_path / "picture.png")
    page.goto(server.url)
    expect(page.locator("#connection")).to_have_text("connected")
    for name in ("short.mp4", "picture.png"):
        page.set_input_files("#file", tmp_path / name)
        sent = page.locator(".feed").nth(1)
        expect(sent.locator(".name")).to_have_text(name)
        expect(sent.locator(".state")).to_have_text("ended")
        expect(sent.locator(".best li")).to_have_count(5)
        expect(sent.locator(".picture img")).to_be_visible()
        expect(sent.locator(".legend span")).not_to_have_count(0)
        expect(sent.locator(".no-answer")).to_be_hidden()
        shot(page, "one-frame")
        sent.get_by_role("button", name="Remove").click()
        expect(page.locator(".feed")).to_have_count(1)


def test_events_can_be_saved(page: Page, server: Server) -> None:
    feed = server.feeds()[0]["id"]
    page.goto(server.url)
    server.http.put(f"/api/feeds/{feed}/settings", json={"enter": 0.01, "leave": 0.009})
    expect(page.locator(".going-on")).to_contain_text("since")
    server.http.put(f"/api/feeds/{feed}/settings", json={})
    expect(page.locator(".events li .mark").first).to_be_visible()
    path = f"/api/feeds/{feed}/events"
    wait_until(lambda: len(server.http.get(path).json()["events"]) >= 5)
    # Whatever else is seen comes later.
    server.http.post(f"/api/feeds/{feed}/pause")
    wait_until(lambda: server.feeds()[0]["state"] == "paused")
    for kind in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("link", name=kind).click()
        assert download.value.suggested_filename == f"events-{feed}.{kind.lower()}"
        saved = Path(download.value.path()).read_bytes()
        assert saved == server.http.get(f"/api/feeds/{feed}/events?format={kind.lower()}").content
    server.http.post(f"/api/feeds/{feed}/resume")


def test_sources_come_and_go(page: Page, model_path: Path) -> None:
    with (
        MjpegServer() as camera,
        serving(model_path, "--allow-sources", "this-machine") as running,
    ):
        page.goto(running.url)
        page.get_by_role("button", name="Add a source").click()
        address = page.get_by_label("address")
        expect(address).to_be_focused()
        address.fill("/etc/passwd")
        page.get_by_role("button", name="Watch it").click()
        expect(page.locator("#message")).to_contain_text("files of this machine are not read")
        shot(page, "add-a-source")
        address.fill(camera.url)
        page.keyboard.press("Enter")
        expect(page.locator(".best li")).to_have_count(5, timeout=20_000)
        expect(page.locator("#source")).to_be_hidden()
        expect(page.locator("#message")).to_be_hidden()
        expect(page.locator(".name")).to_have_text(f"http://127.0.0.1:{camera.port}")
        page.get_by_role("button", name="Remove").click()
        expect(page.locator(".feed")).to_have_count(0)


def test_where_no_source_may_be_added(page: Page, model_path: Path) -> None:
    with serving(model_path, "--allow-sources", "none") as running:
        page.goto(running.url)
        expect(page.locator("#connection")).to_have_text("connected")
        expect(page.get_by_role("button", name="Add a source")).to_have_count(0)


def test_pause_and_reset(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".state")).to_have_text("paused")
    time.sleep(0.5)
    before = server.feeds()[0]["steps"]
    time.sleep(1)
    assert server.feeds()[0]["steps"] == before
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".state")).to_have_text("running")
    server.wait_for_steps()
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".events")).to_contain_text("state reset")


def test_by_keyboard(page: Page, server: Server) -> None:
    page.goto(server.url)
    expect(page.locator(".best li").first).to_be_visible()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.className")
        )
    assert {"file", "camera", "pause", "reset"} <= set(reached)
    page.locator(".pause").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".state")).to_have_text("paused")
    page.keyboard.press("Enter")
    expect(page.locator(".state")).to_have_text("running")


def test_settings(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.get_by_text("Settings").click()
    page.get_by_label("only these labels").fill("thing 1; thing 3")
    page.get_by_label("begin an event at").fill("0.2")
    page.get_by_label("end it below").fill("0.1")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".best li")).to_have_count(2)
    page.get_by_label("only these labels").fill("nothing")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".refused")).to_contain_text("no label 'nothing'")
    page.get_by_label("only these labels").fill("")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".best li")).to_have_count(5)


def test_an_upload_beside_a_source(page: Page, server: Server, tmp_path: Path) -> None:
    video = tmp_path / "mine.mp4"
    write_timed_video(video, [100 * number for number in range(30)])
    page.goto(server.url)
    page.set_input_files("#file", video)
    expect(page.locator(".feed")).to_have_count(2)
    sent = page.locator(".feed").nth(1)
    expect(sent.locator(".name")).to_have_text("mine.mp4")
    expect(sent.locator(".best li")).to_have_count(5)
    shot(page, "two-sources")
    expect(sent.locator(".state")).to_have_text("ended", timeout=20_000)
    sent.get_by_role("button", name="Remove").click()
    expect(page.locator(".feed")).to_have_count(1)
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)


def test_an_upload_that_is_no_video(page: Page, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    page.goto(server.url)
    page.set_input_files("#file", path)
    expect(page.locator("#message")).to_contain_text("cannot be read as a video")


def test_the_browsers_own_camera(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.get_by_role("button", name="Use this camera").click()
    camera = page.locator(".feed").nth(1)
    expect(camera.locator(".best li")).to_have_count(5)
    expect(camera.locator(".picture img")).to_be_visible()
    page.get_by_role("button", name="Stop this camera").click()
    expect(camera.locator(".state")).to_have_text("ended", timeout=20_000)
    camera.get_by_role("button", name="Remove").click()
    expect(page.locator(".feed")).to_have_count(1)


def test_the_server_goes_away_and_comes_back(page: Page, model_path: Path, clip: Path) -> None:
    with serving(model_path, clip, "--loop") as running:
        page.goto(running.url)
        expect(page.locator(".best li")).to_have_count(5)
        port = int(running.url.rsplit(":", 1)[1])
    expect(page.locator("#connection")).to_contain_text("does not answer", timeout=20_000)
    expect(page.locator(".state")).to_have_text("no connection")
    shot(page, "away")
    with serving(model_path, clip, "--loop", port=port) as running:
        expect(page.locator("#connection")).to_have_text("connected", timeout=20_000)
        expect(page.locator(".state")).to_have_text("running", timeout=20_000)
        scores = page.locator(".best").inner_text()
        page.wait_for_function(
            "before => document.querySelector('.best').innerText !== before", arg=scores
        )
        expect(page.locator(".feed")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phones_screen(scheme: str, browser: Browser, server: Server) -> None:
    context = browser.new_context(
        viewport={"width": 375, "height": 700},
        color_scheme=scheme,  # type: ignore[arg-type]
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator(".best li")).to_have_count(5)
    expect(page.locator(".picture img")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 36
        assert box["x"] + box["width"] <= 375
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(",")]
    assert (sum(levels) < 200) == (scheme == "dark")
    time.sleep(1)
    shot(page, f"phone-{scheme}")
    context.close()


def test_a_token_in_the_address(page: Page, model_path: Path, clip: Path) -> None:
    token = "a-token-of-some-letters"
    with serving(model_path, clip, "--loop", token=token) as running:
        answer = page.goto(running.url)
        assert answer is not None
        assert answer.status == 401
        page.goto(f"{running.url}/?token={token}")
        expect(page.locator(".best li")).to_have_count(5)
        # It goes out of the address, where somebody could read it.
        assert token not in page.url
        page.reload()
        expect(page.locator(".best li")).to_have_count(5)
