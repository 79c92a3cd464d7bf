"""What the page does with photos before they are sent, seen in the bytes that arrive."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import FilePayload, expect

from tests.browser.agent import ACCEPTED, Agent, pdf
from tests.browser.line import Line
from tests.support import documents

LONG_SIDE = 3000
REDUCE_OVER = 4 * 1024 * 1024


def photo(name: str, content: bytes, kind: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


def page() -> Image.Image:
    """Return a page full of print, a quarter of it red, so that one sees which way is up."""
    picture = documents.drawn([f"{line} the quick brown fox jumps over it" for line in range(14)], (1200, 1500))
    picture.paste((220, 30, 30), (0, 0, 600, 90))
    return picture


def large(orientation: int = 1) -> bytes:
    """Return a photo of 12 megapixels and over 4 MB, red at its upper left as stored.

    Its bytes are made up with others behind the picture's end, which no decoder looks at: grain all over it would keep the OCR
    of the stack busy for a minute, and the tests that come next waiting.
    """
    picture = Image.new("RGB", (4000, 3000), "white")
    picture.paste((220, 30, 30), (0, 0, 2000, 1500))
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue() + Random(7).randbytes(REDUCE_OVER)


def sent_pictures(
    new_agent: Callable[..., Agent], line: Line, *files: FilePayload, turns: int = 0
) -> list[Image.Image]:
    """Send files through a line and return the JPEGs that came over it."""
    agent = new_agent(url=line.url).open()
    agent.fill()
    agent.attach(*files)
    for _ in range(turns):
        agent.page.get_by_role("button", name="Turn page 1").click()
    agent.send()
    agent.wait_stage(*ACCEPTED)
    parts = bytes(line.heard).split(b'name="bill"; filename=')[1:]
    bodies = [part.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0] for part in parts]
    return [Image.open(io.BytesIO(body)) for body in bodies]


def red_corner(picture: Image.Image) -> str:
    """Return where the red quarter is."""
    width, height = picture.size
    for name, x, y in (("upper left", 1, 1), ("upper right", 7, 1), ("lower left", 1, 7), ("lower right", 7, 7)):
        red, green, _ = picture.convert("RGB").getpixel((width * x // 8, height * y // 8))  # type: ignore[misc]
        if red > 180 and green < 90:
            return name
    raise AssertionError("no red corner")


@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [(6, (2250, 3000), "upper right"), (3, (3000, 2250), "lower right")],
)
def test_a_large_photo_is_reduced_upright(
    new_agent: Callable[..., Agent], line: Line, orientation: int, size: tuple[int, int], corner: str
) -> None:
    """What is over 4 MB leaves the phone with 3000 px on its long side, the way it was held."""
    (sent,) = sent_pictures(new_agent, line, photo("large.jpg", large(orientation)))
    assert sent.format == "JPEG"
    assert sent.size == size
    assert sent.getexif().get(0x0112, 1) == 1
    assert red_corner(sent) == corner


def test_a_long_screenshot_keeps_its_width(new_agent: Callable[..., Agent], line: Line) -> None:
    """A screenshot of a whole page is not reduced by its long side, which would leave a fifth of its width."""
    buffer = io.BytesIO()
    Image.new("RGB", (1080, 16_062), "white").save(buffer, "PNG")
    (picture,) = sent_pictures(
        new_agent, line, photo("page.png", buffer.getvalue() + Random(7).randbytes(REDUCE_OVER), "image/png")
    )
    assert picture.width > 1000
    assert picture.height / picture.width == pytest.approx(16_062 / 1080, rel=0.01)


def test_a_small_photo_is_sent_as_it_is(new_agent: Callable[..., Agent], line: Line) -> None:
    """Without need not a byte is changed."""
    content = documents.jpeg(page(), orientation=6)
    sent_pictures(new_agent, line, photo("small.jpg", content))
    assert content in line.heard


def test_a_turned_photo_is_sent_turned(new_agent: Callable[..., Agent], line: Line) -> None:
    """Three taps on Turn are three quarters clockwise."""
    (sent,) = sent_pictures(new_agent, line, photo("page.jpg", documents.jpeg(page())), turns=3)
    assert sent.size == (1500, 1200)
    sent = sent.convert("RGB")
    assert sent.getpixel((40, 1100))[0] > 180  # type: ignore[index]
    assert sent.getpixel((40, 1100))[1] < 90  # type: ignore[index]


def test_a_heic_photo_is_sent_as_it_is(new_agent: Callable[..., Agent], line: Line) -> None:
    """Chromium cannot decode an iPhone's format; it is shown by its name and arrives whole."""
    content = documents.heic(documents.page_picture(1))
    agent = new_agent(url=line.url).open()
    agent.fill()
    agent.attach(photo("IMG_0002.HEIC", content, "image/heic"))
    expect(agent.page.locator(".thumb")).to_have_text("HEIC")
    expect(agent.page.get_by_role("button", name="Turn page 1")).to_have_count(0)
    agent.send()
    agent.wait_stage(*ACCEPTED)
    assert content in line.heard


COUNT_PICTURES = """() => {
  const live = (window.live = {bitmaps: 0, most: 0, urls: 0, pixels: 0});
  const decode = window.createImageBitmap;
  window.createImageBitmap = async (...given) => {
    const bitmap = await decode(...given);
    live.most = Math.max(live.most, ++live.bitmaps);
    const close = bitmap.close.bind(bitmap);
    bitmap.close = () => { live.bitmaps--; close(); };
    return bitmap;
  };
  const [make, free] = [URL.createObjectURL, URL.revokeObjectURL];
  URL.createObjectURL = (blob) => { live.urls++; return make.call(URL, blob); };
  URL.revokeObjectURL = (url) => { if (url) live.urls--; free.call(URL, url); };
  const canvases = [];
  const element = document.createElement.bind(document);
  document.createElement = (tag) => {
    const made = element(tag);
    if (tag === "canvas") canvases.push(made);
    return made;
  };
  live.canvasPixels = () => canvases.reduce((sum, canvas) => sum + canvas.width * canvas.height, 0);
}"""


def test_ten_large_photos_are_decoded_one_at_a_time(agent: Agent, tmp_path: Path) -> None:
    """Of ten photos of 12 megapixels one at a time is in memory as pixels, and afterwards none: phones have little of it."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(large())
    agent.page.add_init_script(f"({COUNT_PICTURES})()")
    agent.open()
    agent.attach(*[photo] * 10)
    live = agent.page.evaluate("({...live, canvasPixels: live.canvasPixels()})")
    assert (live["most"], live["bitmaps"], live["urls"], live["canvasPixels"]) == (1, 0, 10, 0)
    expect(agent.page.locator(".page").first).to_contain_text("reduced from")
    agent.page.get_by_role("button", name="Remove page 10").click()
    expect(agent.page.locator("#pages > li")).to_have_count(9)
    assert agent.page.evaluate("live.urls") == 9


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda picture: picture, None),
        (lambda picture: picture.filter(ImageFilter.GaussianBlur(8)), "looks blurred"),
        (lambda picture: picture.point(lambda value: value // 6), "is dark"),
        (lambda picture: picture.point(lambda value: value // 2), None),
    ],
    ids=["fine", "blurred", "dark", "half the light"],
)
def test_a_hint_at_once_and_never_a_block(
    agent: Agent, change: Callable[[Image.Image], Image.Image], hint: str | None
) -> None:
    """A dark or blurred photo is said to be one when it is added, and can be sent all the same."""
    agent.open()
    agent.fill()
    agent.attach(photo("page.jpg", documents.jpeg(change(page()))))
    if hint:
        expect(agent.page.locator(".page-hint")).to_contain_text(hint)
        assert agent.violations() == []
        agent.send()
        agent.wait_stage(*ACCEPTED)
    else:
        expect(agent.page.locator(".page-hint")).to_have_count(0)


def test_order_and_removal_keep_the_focus(agent: Agent) -> None:
    """Pages are moved and removed with buttons; the focus never falls out of the list."""
    agent.open()
    agent.attach(pdf("a.pdf"), pdf("b.pdf"), pdf("c.pdf"))
    names = agent.page.locator(".page-name")
    agent.page.get_by_role("button", name="Move page 1 down").click()
    expect(names).to_contain_text(["b.pdf", "a.pdf", "c.pdf"])
    expect(agent.page.get_by_role("button", name="Move page 2 down")).to_be_focused()
    agent.page.get_by_role("button", name="Remove page 3").click()
    expect(names).to_contain_text(["b.pdf", "a.pdf"])
    expect(agent.page.get_by_role("button", name="Remove page 2")).to_be_focused()
    expect(agent.page.locator("#status")).to_have_text("c.pdf removed; 2 files left.")
    agent.page.get_by_role("button", name="Remove page 2").click()
    agent.page.get_by_role("button", name="Remove page 1").click()
    expect(agent.page.locator("#bill")).to_be_focused()


def test_files_can_be_dropped(new_agent: Callable[..., Agent]) -> None:
    """On a computer files are dragged in; beside the field they are ignored and do not replace the page."""
    agent = new_agent(viewport={"width": 1280, "height": 900}, is_mobile=False, has_touch=False).open()
    drop = """(selector) => {
      const data = new DataTransfer();
      data.items.add(new File(["%PDF-1.4"], "dropped.pdf", {type: "application/pdf"}));
      const event = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
      document.querySelector(selector).dispatchEvent(event);
      return event.defaultPrevented;
    }"""
    assert agent.page.evaluate(drop, "#agent_id")
    expect(agent.page.locator("#pages > li")).to_have_count(0)
    assert agent.page.evaluate(drop, "#bill-hint")
    expect(agent.page.locator(".page-name")).to_contain_text(["dropped.pdf"])
