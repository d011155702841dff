# SPDX-License-Identifier: Apache-2.0
"""The transformers engine: it loads what is whole and safe, says why it does not, and answers as the model does."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from miners.engines.engine import Embedding, Job
from miners.engines.opening import EngineOptions, open_engine
from miners.engines.transformers import Setup, Transformers
from miners.provenance import digest
from protocols.errors import DeadlineExceeded, EngineFailed, EngineLacks, InvalidMessage, ModelUnloadable, OutOfRange
from protocols.model import Sampling
from tests.miners.batching.tiny import model

PROMPT = "the cat, the dog; "


def save_tokenizer(folder: Path) -> None:
    """A character a token, with an end that no model here says."""
    letters = ["<unk>", "<s>", *sorted(set("abcdefghijklmnopqrstuvwxyz ,.;:!?'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))]
    letters += [f"[{at}]" for at in range(97 - len(letters))]
    vocabulary = {letter: at for at, letter in enumerate(letters)}
    whole: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": False},
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Llama."""
    folder = tmp_path_factory.mktemp("llama")
    model("llama").save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny sentence model."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("bert")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        wide: dict[str, Any] = {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
        }
        BertModel(BertConfig(vocab_size=97, max_position_embeddings=64, **wide)).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@asynccontextmanager
async def started(folder: Path, setup: Setup | None = None) -> AsyncIterator[Transformers]:
    """An engine that is closed in the end."""
    engine = Transformers(str(folder), setup or Setup(threads=1))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def text(engine: Transformers, job: Job) -> str:
    """The whole answer."""
    return "".join([piece async for piece in engine.generate(job)])


def by_hand(folder: Path, prompt: str, size: int) -> str:
    """What transformers makes of it without us."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    mask = torch.ones_like(ids)
    whole = model("llama").generate(ids, attention_mask=mask, max_new_tokens=size, do_sample=False, pad_token_id=0)
    return str(tokenizer.decode(whole[0, ids.shape[1] :]))


async def test_it_answers_as_the_model_does_and_counts_tokens(llama: Path) -> None:
    async with started(llama) as engine:
        jobs = [Job(prompt=PROMPT[at:], max_tokens=20 + at) for at in range(6)]
        texts = await asyncio.gather(*(text(engine, job) for job in jobs))
    assert texts == [by_hand(llama, job.prompt, job.max_tokens) for job in jobs]
    assert [(job.tally.prompt, job.tally.generated) for job in jobs] == [(len(PROMPT) - at, 20 + at) for at in range(6)]


async def test_it_says_what_it_serves(llama: Path) -> None:
    engine = open_engine("transformers", EngineOptions(model=str(llama), context=100, threads=1))
    assert engine.facts() == {}
    await engine.start()
    facts = engine.facts()
    await engine.close()
    assert facts == {
        "model": llama.name,
        "digest": digest(llama),
        "architecture": "LlamaForCausalLM",
        "dtype": "float32",
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "context": 100,
        "parameters": model("llama").num_parameters(),
    }


async def test_an_answer_ends_before_a_stop_text_and_with_the_context(llama: Path) -> None:
    async with started(llama, Setup(threads=1, context=60)) as engine:
        whole = await text(engine, Job(prompt=PROMPT, max_tokens=1000))
        assert whole == by_hand(llama, PROMPT, 60 - len(PROMPT))
        stop = whole[10:12]
        job = Job(prompt=PROMPT, max_tokens=1000, sampling=Sampling(stop=(stop,)))
        assert await text(engine, job) == whole[: whole.index(stop)]
        assert job.tally.generated < 42


async def test_a_seed_draws_the_same_answer_again_and_another_seed_another(llama: Path) -> None:
    async with started(llama) as engine:
        jobs = [
            Job(prompt=PROMPT, max_tokens=30, sampling=Sampling(temperature=1.0, top_k=20, top_p=0.95, seed=seed))
            for seed in (1, 2, 1, 3)
        ]
        one, two, again, three = await asyncio.gather(*(text(engine, job) for job in jobs))
    assert one == again
    assert len({one, two, three}) == 3


async def test_a_prompt_that_is_too_long_is_refused_before_it_costs(llama: Path) -> None:
    async with started(llama, Setup(threads=1, context=20)) as engine:
        for prompt, size in (("a" * 20, 20), ("", 0), ("b" * 9_000, 9_000)):
            job = Job(prompt=prompt, max_tokens=5)
            with pytest.raises(InvalidMessage, match=f"the prompt has {size} tokens, expected 1 to 19"):
                await text(engine, job)
            assert (job.tally.prompt, job.tally.generated) == (0, 0)
        assert len(await text(engine, Job(prompt="a" * 19, max_tokens=5))) >= 1
        assert await text(engine, Job(prompt="a", max_tokens=0)) == ""


async def test_a_reader_who_leaves_halfway_is_let_go_and_a_late_job_is_told(llama: Path) -> None:
    async with started(llama) as engine:
        job = Job(prompt=PROMPT, max_tokens=400)
        async with aclosing(engine.generate(job)) as pieces:
            await anext(pieces)
        assert 1 <= job.tally.generated < 400
        with pytest.raises(DeadlineExceeded):
            await text(engine, Job(prompt=PROMPT, max_tokens=400, deadline=0.0))


async def test_vectors_are_means_and_do_not_depend_on_company(bert: Path) -> None:
    from transformers import AutoModel

    reference = AutoModel.from_pretrained(bert)
    texts = ["a", "the cat and the dog " * 2, "", "the dog", "x" * 500]
    async with started(bert) as engine:
        job = Embedding(texts=texts)
        made = await engine.embed(job)
        crowd = await asyncio.gather(*(engine.embed(Embedding(texts=[one])) for one in texts * 5))
        assert (await engine.embed(Embedding(texts=[]))).shape[0] == 0
        with pytest.raises(EngineLacks):
            await text(engine, Job(prompt="a", max_tokens=5))
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(bert)
    assert job.tally.prompt == 1 + 40 + 0 + 7 + 64
    assert np.allclose(np.concatenate(crowd), np.tile(made, (5, 1)), atol=1e-5)
    for at in (0, 1, 3):
        with torch.inference_mode():
            states = reference(**tokenizer(texts[at], return_tensors="pt")).last_hidden_state
        assert np.allclose(made[at], states[0].mean(0).numpy(), atol=1e-5)
    assert not made[2].any()


async def test_a_language_model_makes_no_vectors_and_a_closed_engine_nothing(llama: Path) -> None:
    async with started(llama) as engine:
        with pytest.raises(EngineLacks):
            await engine.embed(Embedding(texts=["a"]))
    with pytest.raises(EngineFailed):
        await text(engine, Job(prompt="a", max_tokens=5))


def spoil_bytes(folder: Path) -> None:
    """Half of the weights are gone."""
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def spoil_head(folder: Path) -> None:
    """The weights begin with nonsense."""
    file = folder / "model.safetensors"
    file.write_bytes(b"\xff" * 16 + file.read_bytes()[16:])


def spoil_config(folder: Path) -> None:
    """The configuration is no JSON."""
    (folder / "config.json").write_text("{")


def other_config(**changes: object) -> Any:
    """A change of the configuration."""

    def change(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def only_pickle(folder: Path) -> None:
    """Weights that would run code."""
    os.rename(folder / "model.safetensors", folder / "pytorch_model.bin")


def no_tokenizer(folder: Path) -> None:
    """Nothing that makes tokens of texts."""
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (shutil.rmtree, "there is no folder"),
        (spoil_bytes, "cannot be loaded"),
        (spoil_head, "cannot be loaded"),
        (spoil_config, "cannot be loaded"),
        (only_pickle, r"no \*\.safetensors"),
        (no_tokenizer, "cannot be loaded"),
        (other_config(num_hidden_layers=3), "lacks 9 of its weights"),
        (other_config(hidden_size=128, head_dim=32), "."),
        (other_config(model_type="nobody-knows", architectures=["NobodyForCausalLM"]), "cannot be loaded"),
        (other_config(model_type="t5", architectures=["T5ForConditionalGeneration"]), "not supported"),
        (other_config(architectures=None), "not supported"),
        (other_config(auto_map={"AutoConfig": "evil.Config"}, model_type="evil"), "cannot be loaded"),
    ],
)
async def test_what_cannot_be_loaded_safely_and_whole_is_named(
    llama: Path, tmp_path: Path, spoil: Any, says: str
) -> None:
    folder = Path(shutil.copytree(llama, tmp_path / "spoiled"))
    (folder / "evil.py").write_text("raise SystemExit('code of a model was run')")
    spoil(folder)
    engine = Transformers(str(folder), Setup(threads=1))
    with pytest.raises(ModelUnloadable, match=says):
        await engine.start()
    assert engine.facts() == {}


async def test_a_model_is_fetched_only_by_a_name_that_says_so() -> None:
    with pytest.raises(ModelUnloadable, match="there is no folder some/model"):
        await Transformers("some/model").start()
    with pytest.raises(ModelUnloadable, match="hub:no/such/model cannot be fetched"):
        await Transformers("hub:no/such/model").start()


async def test_a_gpu_that_is_not_there_is_named(llama: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ModelUnloadable, match="torch sees no GPU"):
        await Transformers(str(llama), Setup(device="cuda", threads=1)).start()


def test_settings_that_make_no_sense_are_refused() -> None:
    wrongs: list[dict[str, Any]] = [{"dtype": "int3"}, {"threads": 0}, {"context": 0}]
    for wrong in wrongs:
        with pytest.raises(OutOfRange):
            Setup(**wrong)


@pytest.mark.parametrize(("said", "heeded"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_asleep_unless_the_operator_says_otherwise(said: str | None, heeded: str, tmp_path: Path) -> None:
    lines = (
        "import asyncio, sys",
        "from miners.engines.transformers import Transformers",
        "from protocols.errors import ModelUnloadable",
        "assert 'torch' not in sys.modules",
        "try: asyncio.run(Transformers(sys.argv[1]).start())",
        "except ModelUnloadable: print('torch' in sys.modules)",
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    environment |= {"OMP_DISPLAY_ENV": "true", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment |= {"OMP_WAIT_POLICY": said} if said else {}
    command = [sys.executable, "-c", "\n".join(lines), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True\n"
    assert f"OMP_WAIT_POLICY = '{heeded}'" in done.stderr
