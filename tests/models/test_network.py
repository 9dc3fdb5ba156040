"""A network over columns: what it learns, keeps, says of itself, and how it is tuned to another place."""

import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

import alleviate
from alleviate.models.encoding import EncodedColumn
from alleviate.models.prognosis.candidates import none, ridge
from alleviate.models.prognosis.candidates.network import CANDIDATE, fine_tuned
from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.prognosis.deep.tabular import Network
from alleviate.models.prognosis.deep.tensors import packed, unpacked
from alleviate.models.prognosis.deep.torch_alone import torch_alone
from alleviate.models.prognosis.losses import average, mean_loss
from alleviate.terms.errors import InputError

N, P = 240, 5


def people(loss, n=N, p=P, seed=10_200, shift=0.0, flip=1.0):
    """A line, a bend and a product; the other columns say nothing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * 3.0 + 7.0
    z = (x - 7.0) / 3.0
    truth = shift + flip * (1.6 * z[:, 0] + 1.2 * np.abs(z[:, 1]) - 0.9 + 1.2 * z[:, 1] * z[:, 2])
    if loss == "binary":
        y = (rng.random(n) < 1.0 / (1.0 + np.exp(-truth))).astype(float)
    else:
        y = 40.0 + 10.0 * (truth + 0.5 * rng.normal(size=n))
    columns = tuple(EncodedColumn(f"x{j}", "value", None, 7.0, 3.0) for j in range(p))
    return Design(x, columns, y, np.ones(n), loss), truth


def folds_of(design, folds=4):
    return np.arange(len(design.y)) % folds


@pytest.fixture(scope="module")
def learned():
    found = {}
    for loss in ("binary", "numeric"):
        design, truth = people(loss)
        tuned = CANDIDATE.tune(design, folds_of(design), 10_000, Budget())
        found[loss] = design, truth, tuned, CANDIDATE.fit(design, tuned.settings, 10_000)
    return found


def by_torch(made: Network, x):
    """The same networks as torch computes them."""
    own = {name: torch.tensor(values) for name, values in made.layers.items()}
    scales = made.scaler
    z = torch.tensor(x).clamp(torch.tensor(scales.low), torch.tensor(scales.high)) - torch.tensor(scales.mean)
    z = z / torch.tensor(scales.sd)
    first = torch.tanh(torch.einsum("np,sph->snh", z, own["w1"]) + own["b1"][:, None])
    second = first + torch.tanh(torch.einsum("snh,shk->snk", first, own["w2"]) + own["b2"][:, None])
    f = torch.einsum("np,sp->sn", z, own["skip"]) + torch.einsum("snh,sh->sn", second, own["head"])
    return made.level + made.scale * (f + own["bias"][:, None]).mean(dim=0)


@pytest.mark.parametrize("loss", ["binary", "numeric"])
class TestWhatItLearns:
    def test_it_foresees_people_held_out_better_than_a_regression_where_there_are_bends(self, learned, loss):
        design, truth, tuned, _ = learned[loss]
        line = ridge.CANDIDATE.tune(design, folds_of(design), 10_000, Budget()).held_out
        told, straight = (mean_loss(design.y, each, design.weight, loss) for each in (tuned.held_out, line))
        assert told < straight
        assert np.corrcoef(tuned.held_out, truth)[0, 1] > 0.75

    def test_it_foresees_new_people_as_well_as_those_held_out(self, learned, loss):
        design, _, tuned, fitted = learned[loss]
        new, _ = people(loss, n=2000, seed=10_201)
        told = mean_loss(new.y, fitted.linear(new.x), new.weight, loss)
        flat = mean_loss(new.y, np.full(2000, average(design)), new.weight, loss)
        assert told < 1.4 * tuned.settings["held_out"]
        assert told < flat

    def test_it_predicts_by_numpy_what_torch_predicts(self, learned, loss):
        design, _, _, fitted = learned[loss]
        np.testing.assert_allclose(fitted.linear(design.x), by_torch(fitted, design.x).numpy(), atol=1e-6)

    def test_it_predicts_the_same_when_read_back(self, learned, loss):
        design, _, _, fitted = learned[loss]
        again = CANDIDATE.restore(json.loads(json.dumps(fitted.to_json())))
        np.testing.assert_array_equal(again.linear(design.x), fitted.linear(design.x))
        assert (again.used(), again.complexity) == (fitted.used(), fitted.complexity)
        assert again.to_json() == fitted.to_json()

    def test_contributions_sum_to_what_is_foreseen_and_average_to_nought(self, learned, loss):
        design, _, _, fitted = learned[loss]
        level, added = fitted.contributions(design.x)
        np.testing.assert_allclose(level + added.sum(axis=1), fitted.linear(design.x), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(added.mean(axis=0), 0.0, atol=1e-9 * fitted.scale)
        sizes = np.abs(added).mean(axis=0)
        assert set(np.argsort(-sizes)[:3]) == {0, 1, 2}

    def test_it_is_the_same_from_the_same_seed_and_leaves_torch_as_it_was(self, learned, loss):
        design, _, tuned, fitted = learned[loss]
        torch.manual_seed(5)
        before = torch.rand(3)
        torch.manual_seed(5)
        threads = torch.get_num_threads()
        again = CANDIDATE.fit(design, tuned.settings, 10_000)
        assert again.to_json() == fitted.to_json()
        assert torch.equal(torch.rand(3), before)
        assert torch.get_num_threads() == threads
        assert not torch.are_deterministic_algorithms_enabled()

    def test_another_seed_gives_other_networks(self, learned, loss):
        design, _, tuned, fitted = learned[loss]
        assert CANDIDATE.fit(design, tuned.settings, 10_001).to_json() != fitted.to_json()

    def test_settings_are_plain_and_parameters_are_counted(self, learned, loss):
        _, _, tuned, fitted = learned[loss]
        assert json.loads(json.dumps(dict(tuned.settings))) == dict(tuned.settings)
        assert 2.0 < fitted.complexity < N


def test_without_signal_it_comes_down_to_the_average():
    design, _ = people("binary")
    rng = np.random.default_rng(10_300)
    noise = Design(design.x, design.columns, rng.integers(0, 2, N).astype(float), design.weight, "binary")
    tuned = CANDIDATE.tune(noise, folds_of(noise), 10_000, Budget())
    flat = none.CANDIDATE.tune(noise, folds_of(noise), 10_000, Budget()).held_out
    told, least = (mean_loss(noise.y, each, noise.weight, "binary") for each in (tuned.held_out, flat))
    assert told <= least + 1e-9
    still = CANDIDATE.fit(noise, {**tuned.settings, "steps": 0}, 1)
    np.testing.assert_allclose(still.linear(noise.x), average(noise))
    assert still.used() == ()
    assert still.contributions(noise.x)[1].any() == np.False_


def test_people_of_weight_nought_say_nothing():
    design, _ = people("binary")
    weight = np.where(np.arange(N) < 200, 1.0, 0.0)
    one = Design(design.x, design.columns, design.y, weight, "binary")
    other = Design(design.x, design.columns, np.where(weight > 0, design.y, 1.0 - design.y), weight, "binary")
    first, second = (CANDIDATE.tune(each, folds_of(each), 1, Budget(0.0)) for each in (one, other))
    np.testing.assert_array_equal(first.held_out, second.held_out)
    made = [CANDIDATE.fit(each, first.settings, 1) for each in (one, other)]
    np.testing.assert_array_equal(made[0].linear(design.x), made[1].linear(design.x))


def test_when_time_is_up_the_first_shape_is_taken():
    design, _ = people("binary", n=80)
    budget = Budget(0.0)
    tuned = CANDIDATE.tune(design, folds_of(design, 2), 1, budget)
    assert budget.cut
    assert tuned.settings["hidden"] == 16
    assert np.isfinite(tuned.held_out).all()


def test_nobody_is_foreseen_as_more_extreme_than_the_edge_of_those_learned_from(learned):
    design, _, _, fitted = learned["binary"]
    far = np.full((1, P), 1e9)
    np.testing.assert_allclose(fitted.linear(far), fitted.linear(np.tile(design.x.max(axis=0), (1, 1))))


class TestTensors:
    def test_safetensors_itself_reads_what_is_kept(self, learned):
        fitted = learned["binary"][3]
        theirs = safetensors.numpy.load(b64decode(fitted.to_json()["safetensors"]))
        assert {name: each.shape for name, each in theirs.items()} == {
            name: each.shape for name, each in fitted.layers.items()
        }
        np.testing.assert_array_equal(theirs["w1"].astype(float), fitted.layers["w1"])

    def test_what_is_kept_is_read_back(self):
        arrays = {"b": np.arange(6.0).reshape(2, 3), "a": np.zeros((0, 4)), "c": np.array([0.5])}
        again = unpacked(packed(arrays))
        assert list(again) == ["a", "b", "c"]
        for name, values in arrays.items():
            np.testing.assert_array_equal(again[name], values)

    def test_other_kinds_of_numbers_are_refused(self):
        text = packed({"a": np.zeros(2)})
        other = b64decode(text).replace(b'"F32"', b'"F64"')
        from_b64 = b64encode(other).decode()
        with pytest.raises(ValueError, match="expected F32 numbers of a, got F64"):
            unpacked(from_b64)


class TestFineTuning:
    """The source's place differs in its level and in the strength of what matters."""

    @pytest.fixture(scope="class")
    def source(self):
        design, _ = people("binary", n=1200, seed=10_400)
        settings = {"hidden": 32, "dropout": 0.3, "decay": 0.3, "steps": 80, "held_out": 0.5}
        return CANDIDATE.fit(design, settings, 10_000)

    @pytest.mark.parametrize("seed", [10_410, 10_411, 10_412])
    def test_few_people_of_another_place_are_enough_to_move_its_level(self, source, seed):
        here, _ = people("binary", n=60, seed=seed, shift=-1.5)
        new, _ = people("binary", n=3000, seed=seed + 50, shift=-1.5)
        tuned = fine_tuned(source, here, seed)
        told, before = (
            mean_loss(new.y, each.linear(new.x), new.weight, "binary") for each in (tuned, source)
        )
        assert told < before - 0.05
        for name in ("w1", "b1", "w2", "b2"):
            np.testing.assert_array_equal(tuned.layers[name], source.layers[name])

    def test_it_explains_itself_and_is_kept_as_any_network(self, source):
        here, _ = people("binary", n=60, seed=10_420)
        tuned = fine_tuned(source, here, 1)
        level, added = tuned.contributions(here.x)
        np.testing.assert_allclose(level + added.sum(axis=1), tuned.linear(here.x), atol=1e-9)
        np.testing.assert_allclose(added.mean(axis=0), 0.0, atol=1e-9)
        assert fine_tuned(source, here, 1).to_json() == tuned.to_json()

    def test_more_people_move_more_than_the_level(self, source):
        here, _ = people("binary", n=800, seed=10_430, flip=-1.0)
        new, _ = people("binary", n=3000, seed=10_431, flip=-1.0)
        tuned = fine_tuned(source, here, 1)
        assert mean_loss(new.y, tuned.linear(new.x), new.weight, "binary") < 0.62

    def test_numbers_are_tuned_too(self):
        there, _ = people("numeric", n=600, seed=10_440)
        settings = {"hidden": 16, "dropout": 0.2, "decay": 0.3, "steps": 80, "held_out": 50.0}
        source = CANDIDATE.fit(there, settings, 1)
        here, _ = people("numeric", n=60, seed=10_441, shift=2.0)
        new, _ = people("numeric", n=2000, seed=10_442, shift=2.0)
        tuned = fine_tuned(source, here, 1)
        told, before = (
            mean_loss(new.y, each.linear(new.x), new.weight, "numeric") for each in (tuned, source)
        )
        assert told < 0.5 * before

    def test_another_model_or_encoding_is_refused(self, source):
        here, _ = people("binary", n=60, p=P - 1, seed=10_450)
        regression = ridge.CANDIDATE.fit(
            here, ridge.CANDIDATE.tune(here, folds_of(here), 1, Budget()).settings, 1
        )
        for other in (source, regression):
            with pytest.raises(InputError, match="Only a network can be tuned further"):
                fine_tuned(other, here, 1)


WITHOUT_TORCH = """
import sys

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError(name)

from alleviate.models.prognosis.shelf import CANDIDATES
from alleviate.models.prognosis.contract import Budget, Design
from alleviate.models.encoding import EncodedColumn
from alleviate.terms.errors import InputError
import json, numpy as np

sys.meta_path.insert(0, Gone())  # after all else: libraries look for torch while they load
kept = json.loads(sys.stdin.read())
made = CANDIDATES["network"].restore(kept["network"])
print(np.abs(made.linear(np.array(kept["x"])) - kept["linear"]).max() < 1e-12)
column = (EncodedColumn("a", "value", None, 0.0, 1.0),)
design = Design(np.arange(40.0)[:, None], column, np.arange(40) % 2.0, np.ones(40), "binary")
try:
    CANDIDATES["network"].tune(design, np.arange(40) % 2, 1, Budget())
except InputError as error:
    print(error.message, error.hint)
"""


def test_without_torch_it_still_foresees_but_does_not_learn(learned):
    design, _, _, fitted = learned["binary"]
    kept = {"network": fitted.to_json(), "x": design.x.tolist(), "linear": fitted.linear(design.x).tolist()}
    there = {**os.environ, "PYTHONPATH": str(Path(alleviate.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        input=json.dumps(kept), capture_output=True, text=True, env=there, check=True,
    )  # fmt: skip
    same, said = done.stdout.splitlines()
    assert same == "True"
    assert said.startswith("The candidate 'network' needs the package torch, which is not installed.")
    assert "pip install 'alleviate[deep]'" in said


def test_the_shelf_loads_no_torch():
    program = "import sys, alleviate.models.prognosis.shelf; print('torch' in sys.modules)"
    there = {**os.environ, "PYTHONPATH": str(Path(alleviate.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=there, check=True
    )
    assert done.stdout.strip() == "False"


def interrupted():
    with torch_alone("network"):
        raise RuntimeError(f"stop with {torch.get_num_threads()} thread")


def test_torch_is_given_back_as_it_was_after_an_error():
    torch.set_num_threads(2)
    with pytest.raises(RuntimeError, match="stop with 1 thread"):
        interrupted()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
