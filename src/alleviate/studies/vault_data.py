"""A study's table out of the vault: what consent to model training permits, and no more."""

from alleviate.intake.tables import Table
from alleviate.studies.drawing import draw
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import CohortSpec, Study
from alleviate.vault import Vault
from alleviate.vault.whereabouts import acting, place

__all__ = ["open_vault_data"]


def open_vault_data(study: Study | PrognosisStudy, cohort: CohortSpec) -> Table:
    """The cohort of a study, drawn from its vault as it is now; the reading is in the vault's audit.

    A study that does not say where the vault is means that of ``ALLEVIATE_VAULT``, else ``vault.db`` at home.
    Raises ``VaultError`` and ``ConsentError`` as the vault does, ``DataError`` as `draw` does.
    """
    with (
        Vault.open(place(study.data.vault)) as vault,
        vault.access(actor=acting(), purpose="model-training") as access,
    ):
        return draw(access.frame(), study, cohort)
