"""A prognosis for its readers: what a paper must report (TRIPOD+AI), its risks (PROBAST+AI), a model card."""

from alleviate.reports.tripod.card import model_card
from alleviate.reports.tripod.checklist import PROBAST, TRIPOD, Checklist, checklist, tripod_page
from alleviate.reports.tripod.facts import Known

__all__ = ["PROBAST", "TRIPOD", "Checklist", "Known", "checklist", "model_card", "tripod_page"]
