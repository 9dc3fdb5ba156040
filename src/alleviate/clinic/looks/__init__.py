"""How pages look: templates, words in each language, drawings, styles, and the headers that guard them.

`Looks` renders a page; the rooms give it a template's name and what it shows, and decide nothing about looks.
"""

from alleviate.clinic.looks.guest import Guest
from alleviate.clinic.looks.headers import headers
from alleviate.clinic.looks.languages import LANGUAGES, Language
from alleviate.clinic.looks.looks import Looks
from alleviate.clinic.looks.pages import doors

__all__ = ["LANGUAGES", "Guest", "Language", "Looks", "doors", "headers"]
