"""Pages as they are written: who sees what, in which language, and that nothing on them is from elsewhere."""

import re
from html.parser import HTMLParser

import gallery
import pytest
from jinja2 import UndefinedError
from starlette.requests import Request
from starlette.testclient import TestClient

from alleviate.clinic.looks import Looks
from alleviate.clinic.looks.navigation import LINKS, links
from alleviate.decisions.permissions import ROLES, Role, actions, may

PEOPLE = [role for role in ROLES if role != "integrator"]
PAGES = ["/all/nobody", *(f"/all/{role}" for role in PEOPLE), "/crisis", "/crisis/saved/de", "/error/404"]


class _Read(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_inline_script_and_no_inline_style(guest: TestClient, path: str) -> None:
    for tag, attributes in _Read(guest.get(path).text).tags:
        assert tag != "style"
        assert "style" not in attributes, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "script":
            assert attributes["src"], "a script is a file of ours"


@pytest.mark.parametrize("path", PAGES)
def test_whatever_a_page_loads_is_our_own(guest: TestClient, path: str) -> None:
    loaded = [
        value
        for tag, attributes in _Read(guest.get(path).text).tags
        for name, value in attributes.items()
        if name in ("src", "srcset", "data", "poster") or (name == "href" and tag in ("link", "use", "image"))
    ]
    assert loaded
    assert all(value and value.startswith("/assets/") for value in loaded)
    assert all(guest.get(str(value)).status_code == 200 for value in loaded)


@pytest.mark.parametrize("role", PEOPLE)
def test_the_navigation_shows_what_the_permissions_allow_and_nothing_else(
    guest: TestClient, role: Role
) -> None:
    text = guest.get(f"/all/{role}").text
    for link in LINKS:
        allowed = may(role, link.action, "self" if role == "patient" else None)
        assert (f'href="{link.href}"' in text) == allowed, link


def test_every_link_asks_for_an_action_of_the_table() -> None:
    assert {link.action for link in LINKS} <= set(actions())


def test_the_navigation_says_where_one_is() -> None:
    who = gallery.visitor("patient").who
    assert [link.href for link in links(who, "/mine/course") if link.current] == ["/mine/course"]
    assert [link.href for link in links(who, "/mine/questionnaires/x") if link.current] == ["/mine/"]
    assert not [link for link in links(who, "/account/") if link.current]


@pytest.mark.parametrize("role", ["patient", "nobody"])
def test_patients_and_guests_find_crisis_help_on_every_page(guest: TestClient, role: str) -> None:
    text = guest.get(f"/all/{role}").text
    assert 'href="tel:116123"' in text
    assert 'href="tel:999"' in text


def test_clinicians_find_it_one_link_away(guest: TestClient) -> None:
    text = guest.get("/all/clinician").text
    assert "tel:116123" not in text
    assert 'href="/crisis"' in text


def test_a_demonstration_says_so_and_a_clinic_does_not(guest: TestClient, looks: Looks) -> None:
    assert "every person here is made up" in guest.get("/all/clinician").text
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []})
    real = looks.render(request, "error.html", None, {"status": 404, "demo": False}).body.decode()
    assert "every person here is made up" not in real


def test_what_people_write_stays_text(guest: TestClient) -> None:
    text = guest.get("/all/clinician").text
    assert "Somebody &lt;script&gt;" in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "<b>fits</b>" not in guest.get("/error/400").text
    said = guest.get("/all/clinician", cookies={"alleviate-said": "%3Cimg%20src%3Dx%3E"}).text
    assert "&lt;img src=x&gt;" in said


def test_what_is_translated_stays_text_too(looks: Looks) -> None:
    """Jinja's own `_` takes whatever it translates for markup; ours does not, nor what is put into it."""
    house = looks._environments["en"]
    written = {"words": "<i>100 %</i>", "name": "<u>"}
    assert house.from_string("{{ _(words) }}").render(written) == "&lt;i&gt;100 %&lt;/i&gt;"
    assert house.from_string("{{ _('%(name)s: 5 %%', name=name) }}").render(written) == "&lt;u&gt;: 5 %"
    some = "{{ ngettext('%(num)s <b>', '%(num)s %(name)s', n, name=name) }}"
    assert house.from_string(some).render({**written, "n": 2}) == "2 &lt;u&gt;"
    assert house.from_string(some).render({**written, "n": 1}) == "1 &lt;b&gt;"
    block = "{% trans who=name %}Hello {{ who }}{% endtrans %}"
    assert house.from_string(block).render(written) == "Hello &lt;u&gt;"


def test_forms_carry_the_token_of_the_visit(guest: TestClient) -> None:
    forms = guest.get("/all/clinician").text.split("<form")[1:]
    assert len(forms) == 2
    assert all('name="csrf" value="a-token"' in form for form in forms)


def test_a_name_that_a_page_was_not_given_is_an_error_and_no_gap(looks: Looks) -> None:
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []})
    with pytest.raises(UndefinedError, match="count"):
        looks.render(request, "all.html", None, {k: v for k, v in gallery.pieces().items() if k != "count"})


def test_an_error_is_told_where_the_reader_can_mend_it_and_nowhere_else(guest: TestClient) -> None:
    assert "Nothing &lt;b&gt;fits&lt;/b&gt;. Write it anew." in guest.get("/error/400").text
    for status in (401, 403, 404, 500, 503):
        assert "fits" not in guest.get(f"/error/{status}").text


def test_each_error_has_words_of_its_own(guest: TestClient) -> None:
    told = [400, 401, 403, 404, 405, 409, 413, 429, 500, 503]
    titles = {_title(guest.get(f"/error/{status}").text) for status in told}
    assert len(titles) == len(told)


def _title(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    assert found
    return found[1].strip()


def test_a_form_that_comes_back_says_what_is_wrong_at_the_top_in_the_title_and_at_the_field(
    guest: TestClient,
) -> None:
    text = guest.get("/all/clinician?wrong=true").text
    assert "<title>Error: Every piece" in text
    tags = _Read(text).tags
    ids = {attributes.get("id") for _, attributes in tags}
    for name in ("name", "born", "often"):
        assert f'href="#{name}"' in text
        assert name in ids
    described = next(attributes for _, attributes in tags if attributes.get("id") == "name")
    assert "name-error" in str(described["aria-describedby"])


def test_styles_and_scripts_are_kept_for_good_under_an_address_that_changes_with_them(
    guest: TestClient, looks: Looks
) -> None:
    answer = guest.get(looks.assets.url("alleviate.css"), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/css")
    brotli = guest.get(looks.assets.url("alleviate.css"), headers={"Accept-Encoding": "br, gzip"})
    assert brotli.headers["content-encoding"] == "br"
    plain = guest.get(looks.assets.url("alleviate.css"), headers={"Accept-Encoding": "identity"})
    assert plain.text == answer.text
    assert "content-encoding" not in plain.headers
    for wrong in (f"/assets/{'0' * 16}/alleviate.css", looks.assets.url("app.js") + "x", "/assets/x/../x"):
        assert guest.get(wrong).status_code == 404


def test_the_styles_name_no_other_site_and_nobodys_font(looks: Looks, guest: TestClient) -> None:
    styles = guest.get(looks.assets.url("alleviate.css")).text
    assert "frutiger" not in styles.lower()
    assert "@font-face" not in styles
    for address in re.findall(r"url\(\"?([^\")]+)", styles):
        assert address.startswith("./")
        assert guest.get(looks.assets.url(address.removeprefix("./"))).status_code == 200


def test_pages_themselves_are_kept_by_nobody(guest: TestClient) -> None:
    assert guest.get("/all/clinician").headers["cache-control"] == "no-store"
