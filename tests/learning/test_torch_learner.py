"""PyTorch modules as learners: the same laws, and errors that say what is missing."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.learning import LearningData, load_learner

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
needs_no_torch = pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
HERE = str(Path(__file__).parent)


@pytest.fixture
def data(make_data: Callable[..., LearningData], monkeypatch: pytest.MonkeyPatch) -> LearningData:
    monkeypatch.syspath_prepend(HERE)
    return make_data((1, 8, 8), 10, 12)


@needs_no_torch
def test_without_torch_the_remedy_is_named(data: LearningData) -> None:
    with pytest.raises(InputError, match=r"any.module:Net: needs PyTorch; .* pip install 'clustersim\[torch\]'"):
        load_learner("any.module:Net", data)


@needs_torch
@pytest.mark.parametrize("name", ["small_net", "with_dropout", "Tied"])
def test_obeys_the_laws_of_a_learner(data: LearningData, name: str) -> None:
    learner = load_learner(f"torch_models:{name}", data)
    weights = learner.initial(np.random.default_rng(0))
    inputs, labels = data.train_inputs, data.train_labels
    assert weights.shape == (learner.elements,)
    assert sum(learner.layout) == learner.elements
    loss, gradient = learner.gradient(weights, inputs, labels)
    assert gradient.dtype == np.float64
    learner.evaluate(weights + 1, inputs, labels)
    again, gradient_again = learner.gradient(weights, inputs, labels)
    assert loss == again
    assert gradient.tobytes() == gradient_again.tobytes()
    assert np.array_equal(weights, learner.initial(np.random.default_rng(0)))
    assert not np.array_equal(weights, learner.initial(np.random.default_rng(1)))
    spoilt = np.full_like(weights, math.nan)
    assert math.isnan(learner.gradient(spoilt, inputs, labels)[0])
    lost = learner.evaluate(spoilt, inputs, labels)
    assert math.isnan(lost.loss)
    assert lost.accuracy == 0.0
    with pytest.raises(ValueError, match="expected weights of shape"):
        learner.gradient(weights[1:], inputs, labels)


@needs_torch
def test_gradient_is_the_central_difference(data: LearningData, gradient_error: Callable[..., float]) -> None:
    learner = load_learner("torch_models:small_net", data)
    weights = learner.initial(np.random.default_rng(0))
    for coordinate in np.random.default_rng(1).integers(0, learner.elements, 20):
        assert gradient_error(learner, weights, data.train_inputs, data.train_labels, coordinate) < 2e-8


@needs_torch
def test_linear_layer_is_the_built_in_softmax_regression(data: LearningData) -> None:
    theirs, ours = load_learner("torch_models:linear", data), load_learner("softmax", data)
    matrix, biases = np.random.default_rng(0).standard_normal((64, 10)), np.arange(10) / 10
    inputs, labels = data.train_inputs, data.train_labels
    loss, gradient = ours.gradient(np.concatenate([matrix.ravel(), biases]), inputs, labels)
    # PyTorch keeps the matrix as outputs × inputs.
    their_weights = np.concatenate([matrix.T.ravel(), biases])
    their_loss, their_gradient = theirs.gradient(their_weights, inputs, labels)
    assert theirs.layout == ours.layout == (650,)
    assert their_loss == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(their_gradient[:640].reshape(10, 64).T.ravel(), gradient[:640], atol=1e-13)
    np.testing.assert_allclose(their_gradient[640:], gradient[640:], atol=1e-13)
    many, named = np.tile(inputs, (50, 1, 1, 1)), np.tile(labels, 50)
    expected = ours.evaluate(np.concatenate([matrix.ravel(), biases]), many, named)
    found = theirs.evaluate(their_weights, many, named)
    assert found.accuracy == expected.accuracy
    assert found.loss == pytest.approx(expected.loss, rel=1e-12)


@needs_torch
def test_shared_weights_count_once_and_frozen_ones_stay(data: LearningData) -> None:
    learner = load_learner("torch_models:Tied", data)
    assert learner.layout == (64 * 64, 65 * 10, 4 * 2, 11 * 10)
    _, gradient = learner.gradient(learner.initial(np.random.default_rng(0)), data.train_inputs, data.train_labels)
    tied, frozen, unused, last = np.split(gradient, np.cumsum(learner.layout)[:-1])
    assert np.abs(tied).max() > 0 < np.abs(last).max()
    assert not frozen.any()
    assert not unused.any()


@needs_torch
def test_dropout_depends_on_the_samples_but_not_on_torch_s_own_seed(data: LearningData) -> None:
    import torch

    learner = load_learner("torch_models:with_dropout", data)
    weights = learner.initial(np.random.default_rng(0))
    one, label = np.ones((1, 1, 8, 8)), np.array([0])
    state = torch.random.get_rng_state()
    _, first = learner.gradient(weights, one, label)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.random.default_generator.manual_seed(5)
    _, second = learner.gradient(weights, one, label)
    torch.random.set_rng_state(state)
    _, other = learner.gradient(weights, one * (1 + 1e-9), label)
    assert np.array_equal(first, second)
    # Weights of dropped inputs have no gradient, so the masks can be read off.
    assert not np.array_equal(first == 0, other == 0)
    evaluated = learner.evaluate(weights, data.test_inputs, data.test_labels)
    assert evaluated == learner.evaluate(weights, data.test_inputs, data.test_labels)


@needs_torch
def test_running_statistics_are_refused_and_batch_statistics_are_not(data: LearningData) -> None:
    with pytest.raises(InputError, match=r"with_batch_norm: changes its buffer '1.running_mean' while it trains"):
        load_learner("torch_models:with_batch_norm", data)
    learner = load_learner("torch_models:with_batch_norm", data, tracked=False)
    weights = learner.initial(np.random.default_rng(0))
    assert math.isfinite(learner.gradient(weights, data.train_inputs, data.train_labels)[0])


@needs_torch
@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("no_such_package.net:Net", {}, "no module named 'no_such_package'"),
        ("torch_models:smal_net", {}, "torch_models has no 'smal_net'; did you mean 'small_net'"),
        ("torch_models:number", {}, "expected a class or function, got int"),
        ("torch_models:", {}, "expected package.module:Factory"),
        (":Net", {}, "expected package.module:Factory"),
        ("torch_models:not_a_module", {}, "expected a torch.nn.Module, got str"),
        ("torch_models:nothing_to_train", {}, "expected a module with parameters to train"),
        ("torch_models:fails", {}, r"cannot be built \(RuntimeError: no weights file\)"),
        ("torch_models:small_net", {"depth": 3}, r"cannot be built \(TypeError: .*depth"),
        ("torch_models:small_net", {"channels": 3}, r"fails on samples of shape \(1, 8, 8\)"),
        ("torch_models:small_net", {"classes": 7}, r"expected logits of shape \(2, 10\) for 2 samples, got \(2, 7\)"),
    ],
)
def test_a_module_that_will_not_do_is_refused(
    data: LearningData, path: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_learner(path, data, **options)
    assert str(caught.value).startswith(path)
    assert "\n" not in str(caught.value)


@needs_torch
def test_a_module_that_fails_to_import_says_so(
    data: LearningData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_net_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"importing broken_net_module failed \(ZeroDivisionError"):
        load_learner("broken_net_module:Net", data)
    assert "broken_net_module" not in sys.modules
