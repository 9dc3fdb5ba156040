"""Renders pages: the frame around each, in the reader's language."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote, urlencode

from jinja2 import Environment
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from alleviate.clinic.looks.assets import Assets
from alleviate.clinic.looks.crisis import Crisis
from alleviate.clinic.looks.environment import environment
from alleviate.clinic.looks.formats import Formats, zone_of
from alleviate.clinic.looks.guest import Guest
from alleviate.clinic.looks.languages import COOKIE, LANGUAGES, Language, chosen, language
from alleviate.clinic.looks.navigation import links
from alleviate.clinic.looks.spoken import Speaker
from alleviate.clinic.settings import Settings

__all__ = ["Looks"]

_SAID = "alleviate-said"
_YEAR = 365 * 24 * 60 * 60


class Looks:
    """One per process. Raises InputError where styles and scripts were not built."""

    def __init__(self, settings: Settings, assets: Assets | None = None) -> None:
        self.settings = settings
        self.assets = Assets() if assets is None else assets
        self.crisis = Crisis.read()
        fixed = {
            "asset": self.assets.url,
            "clinic_name": settings.name,
            "clinic_phone": settings.telephone,
            "demo": settings.demo,
            "errors": {},
            "N": _unmarked,
        }
        zone = zone_of(settings.country)
        self._environments: dict[str, Environment] = {}
        self._speakers: dict[str, Speaker] = {}
        for code in LANGUAGES:
            spoken = language(code)
            self._speakers[code] = _speaker(spoken)
            self._environments[code] = environment(
                self._speakers[code], spoken, Formats(spoken.locale, zone), fixed
            )

    def render(
        self,
        request: Request,
        template: str,
        visit: Guest | None,
        context: Mapping[str, Any],
        *,
        spoken: Language | None = None,
    ) -> HTMLResponse:
        """The page ``template`` with ``context``, for who visits, or for anybody (None)."""
        spoken = spoken or self.language(request, visit)
        text = self.text(template, spoken, {**self._frame(request, visit, spoken), **context})
        answer = HTMLResponse(
            text, headers={"Content-Language": spoken.code, "Vary": "Accept-Language, Cookie"}
        )
        if request.query_params.get("lang", "") == spoken.code:
            answer.set_cookie(  # only what was asked for is kept
                COOKIE, spoken.code, max_age=_YEAR, httponly=True, samesite="lax", secure=self.settings.secure
            )
        return answer

    def text(self, template: str, spoken: Language, context: Mapping[str, Any]) -> str:
        """A template of ours with what it needs and no more: also for what is no page, such as a letter."""
        return self._environments[spoken.code].get_template(template).render(context)

    def language(self, request: Request, visit: Guest | None) -> Language:
        account = visit.who.account if visit else None
        known = account.language if account else ""
        if visit and visit.who.only:  # came by a link: their phone knows better what they read than we do
            return chosen(request, record=known)
        return chosen(request, known)

    def translator(self, request: Request, visit: Guest | None) -> Callable[[str], str]:
        """Words of code (``_("…")``) in the reader's language."""
        return self._speakers[self.language(request, visit).code].say

    def formats(self, spoken: Language) -> Formats:
        """How code writes dates and numbers where a template cannot."""
        return Formats(spoken.locale, zone_of(self.settings.country))

    def _frame(self, request: Request, visit: Guest | None, spoken: Language) -> dict[str, Any]:
        who = visit.who if visit else None
        csrf = visit.csrf if visit else ""
        return {
            "visit": visit,
            "who": who,
            "path": request.url.path,
            "navigation": links(who, request.url.path) if who else (),
            "languages": [(each, language(each).name, _asked(request, lang=each)) for each in LANGUAGES],
            "said": unquote(request.cookies.get(_SAID, "")),
            "csrf": csrf,
            "csrf_field": Markup('<input type="hidden" name="csrf" value="{}">').format(csrf),
            "crisis": self.crisis.of(self.settings.country, spoken.code),
            "crisis_shown": who is None or who.role == "patient",
        }


@cache
def _speaker(spoken: Language) -> Speaker:
    """Read once a process: its sentences stand in many files."""
    return Speaker(spoken)


def _asked(request: Request, **changed: str) -> str:
    """The same address with other parameters; of a form that was sent, only its page."""
    kept = dict(request.query_params) if request.method == "GET" else {}
    return "?" + urlencode({**kept, **changed})


def _unmarked(words: str) -> str:
    return words
