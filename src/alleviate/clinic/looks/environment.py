"""The templates' world in one language: strict about what our pages name, lenient for NHS.UK's components."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import cache
from typing import Any

import msgspec
from jinja2 import ChainableUndefined, Environment, PackageLoader, StrictUndefined, Template
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.runtime import Macro
from markupsafe import Markup, escape

from alleviate.clinic.looks import drawings
from alleviate.clinic.looks.crisis import dialled
from alleviate.clinic.looks.formats import Formats
from alleviate.clinic.looks.languages import Language
from alleviate.clinic.looks.spoken import Speaker

__all__ = ["environment"]

_COMPONENTS = "nhsuk/"
_MOST_KEPT = 512
_MACROS = {
    "parts/charts.html": ("chart", "table"),
    "parts/drawings.html": ("spark", "icon_array", "range_plot", "course_plot"),
    "parts/frame.html": ("back", "breadcrumbs", "mark", "button", "callout", "details"),
}


class _Compiled(BytecodeCache):
    """Templates as compiled, for the life of the process: each language has its own world, but one code."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (code := self._code.get((bucket.key, bucket.checksum))) is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class _House(Environment):
    """Ours: a name that a page was not given is an error, not an empty place where a number should be."""

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # jinja's own word
    ) -> Template:
        if isinstance(name, str) and name.startswith(_COMPONENTS):
            return _components().get_template(name)
        return super().get_template(name, parent, globals)


def environment(
    speaker: Speaker, language: Language, formats: Formats, fixed: Mapping[str, Any]
) -> Environment:
    """Templates in ``language``. ``fixed`` are names that every page knows."""
    house = _House(
        loader=PackageLoader("alleviate.clinic.looks"),
        bytecode_cache=_COMPILED,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    house.newstyle_gettext = True  # type: ignore[attr-defined]  # of the extension
    house.globals.update(_spoken(language))
    house.filters.update({**formats.filters(), "spoken": speaker})
    house.filters.update({"json": _json, "given": _given, "as_items": _as_items, "plain": _plain})
    house.globals["kept"] = _KEPT
    house.filters["dialled"] = dialled
    house.globals.update(
        {**fixed, "language": language.code, "drawings": drawings, "day_number": drawings.day_number}
    )
    for path, names in _MACROS.items():
        module = house.get_template(path).module
        house.globals.update({name: getattr(module, name) for name in names})
    house.globals["fields"] = house.get_template("parts/fields.html").module
    return house


def _spoken(language: Language) -> dict[str, Callable[..., Markup]]:
    """``_`` and its like, all of whose text is escaped. Jinja's own takes what is translated for markup, and
    so ``_(what somebody wrote)`` would be a hole."""

    def gettext(words: str, /, **named: Any) -> Markup:
        told = language.words.gettext(str(words)) if words else ""  # of "", gettext tells its head
        return _filled(told, named)

    def ngettext(one: str, several: str, num: int, /, **named: Any) -> Markup:
        return _filled(language.words.ngettext(one, several, num), {"num": num, **named})

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext}


def _filled(words: str, named: Mapping[str, Any]) -> Markup:
    text = escape(words)
    return text % named if named or "%%" in words else text


@cache
def _components() -> Environment:
    """NHS.UK frontend's own templates ask freely for parameters that nobody gave."""
    return Environment(
        loader=PackageLoader("nhsuk_frontend_jinja"), autoescape=True, undefined=ChainableUndefined
    )


class _Kept:
    """Components of NHS.UK's that say nothing of any patient, buttons and lists to choose from: each is
    written once, for that takes longer than all around it."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], Markup] = {}

    def __call__(self, component: Macro, parameters: Mapping[str, Any]) -> Markup:
        key = component.name, repr(parameters)
        found = self._written.get(key)
        if found is None:
            found = Markup(component(parameters))
            if len(self._written) >= _MOST_KEPT:
                self._written.clear()
            self._written[key] = found
        return found


_KEPT = _Kept()


def _json(value: Any) -> str:
    """For an attribute (autoescaped there). An altair chart is its own Vega-Lite."""
    turned: Callable[[], Any] | None = getattr(value, "to_dict", None)
    return msgspec.json.encode(turned() if turned else value).decode()


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None: the components' defaults hold where nothing was said."""
    return {key: value for key, value in values.items() if value is not None}


def _as_items(choices: Iterable[Sequence[Any]], chosen: Any) -> list[dict[str, Any]]:
    """Of radios, checkboxes and lists: (value, words), perhaps with a hint; those ``chosen`` are marked."""
    several = isinstance(chosen, (list, tuple, set, frozenset))
    marked = {str(each) for each in chosen} if several else {str(chosen)}
    items = []
    for value, words, *hint in choices:
        item = {
            "value": str(value),
            "text": words,
            "checked": str(value) in marked,
            "selected": str(value) in marked,
        }
        items.append({**item, "hint": {"text": hint[0]}} if hint and hint[0] else item)
    return items


def _plain(value: object) -> str:
    """Text without its markup, for an attribute that is read aloud."""
    return value.striptags() if isinstance(value, Markup) else str(value)
