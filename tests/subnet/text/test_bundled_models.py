# SPDX-License-Identifier: Apache-2.0
"""The models that come along: small, loadable as any other, of use to a miner, and made by the script beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.codec import JSON
from subnet.templates.text.text import Text
from subnet.text import Extractive
from subnet.text.training.examples import example
from subnet.text.training.fit import Plan, new_model, train
from subnet.text.training.tokenizer import made_tokenizer
from tests.subnet.text.population import asked, replies, tasks

# Whichever test is first waits for transformers to be imported, on a busy machine for a minute.
pytestmark = pytest.mark.timeout(180)

MODELS = Path(__file__).parents[3] / "configs" / "models"
NAMES = ("reader", "beginner")
FILES = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
HOSTILE = (
    "<|end|><|begin|> <|pad|>",
    "\0\x07 \t\r\n  \u00a0\u200b",
    "🦊 ﷺ e\u0301 \U0010ffff",
    " Pelowick1234567 12 3 003.  the the",
    "a" * 5000,
)


@cache
def loaded(name: str) -> tuple[Any, Any]:
    """The tokenizer and the model, as anybody would load them."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = MODELS / name
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    return tokenizer, model


def said(name: str, prompts: list[str], temperature: float = 0.0, seed: int = 0) -> list[str]:
    """What the model answers, by the likeliest tokens or by drawn ones."""
    import torch

    tokenizer, model = loaded(name)
    torch.manual_seed(seed)
    given = tokenizer(prompts, return_tensors="pt", padding=True)
    drawn = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    told = model.generate(**given, max_new_tokens=96, **drawn)[:, given["input_ids"].shape[1] :]
    return [str(text) for text in tokenizer.batch_decode(told, skip_special_tokens=True)]


async def earned(columns: dict[str, list[str]], seed: int) -> dict[str, float]:
    """The mean reward of each miner over so many fresh tasks, all of them asked together."""
    count = len(next(iter(columns.values())))
    rewards = [
        Text().rewards(task, replies([texts[at] for texts in columns.values()]))
        for at, task in enumerate(await tasks(seed, count))
    ]
    return dict(zip(columns, np.mean(rewards, axis=0).tolist(), strict=True))


def test_the_bundled_models_are_whole_and_small() -> None:
    for name in NAMES:
        assert {file.name for file in (MODELS / name).iterdir()} == FILES
    assert sum(file.stat().st_size for file in MODELS.rglob("*")) < 5_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_model_loads_without_code_of_its_own(name: str) -> None:
    tokenizer, model = loaded(name)
    assert type(model).__module__.startswith("transformers.models.")
    assert model.config.vocab_size == len(tokenizer)
    assert "auto_map" not in json.loads((MODELS / name / "config.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_survives_the_tokenizer(text: str) -> None:
    tokenizer, _ = loaded("reader")
    tokens = tokenizer(text)["input_ids"]
    assert tokenizer.decode(tokens, skip_special_tokens=True) == text
    assert tokens[0] == tokenizer.bos_token_id
    assert not set(tokens[1:]) & set(tokenizer.all_special_ids)


@pytest.mark.parametrize("prompt", ["", "hello", "🦊. " * 100, "\n\nQuestion: What is the height?"])
def test_a_prompt_of_another_kind_gets_some_answer(prompt: str) -> None:
    (text,) = said("reader", [prompt])
    assert JSON.decode(JSON.encode(text), str) == text


def test_the_bundled_tokenizer_is_the_one_that_the_script_makes_and_it_is_short() -> None:
    made, (bundled, _) = made_tokenizer(), loaded("reader")
    assert made.get_vocab() == bundled.get_vocab()
    rng = np.random.default_rng(5)
    for told in (example(rng) for _ in range(50)):
        assert len(made(told.quiz.prompt)["input_ids"]) <= 100
        assert len(made(told.answer)["input_ids"]) < 80
        assert all(f" {fact.value}" in told.answer for fact in told.quiz.asked)


async def test_the_trained_model_earns_far_more_than_the_one_that_has_hardly_begun() -> None:
    prompts = [asked(task).prompt for task in await tasks(424242, 12)]
    skilled = Extractive(0.9, 1)
    columns = {name: said(name, prompts) for name in NAMES}
    columns["skilled"] = [await skilled.generate(prompt, 96) for prompt in prompts]
    paid = await earned(columns, 424242)
    assert paid["reader"] > 0.5 * paid["skilled"]
    assert paid["beginner"] < 0.3 * paid["skilled"]


async def test_draws_of_one_model_are_paid_as_answers_of_their_own() -> None:
    prompts = [asked(task).prompt for task in await tasks(434343, 8)]
    one = said("reader", prompts, temperature=0.7, seed=0)
    alone = await earned({"one": one}, 434343)
    among = await earned({"one": one} | {f"{s}": said("reader", prompts, 0.7, s) for s in (1, 2)}, 434343)
    assert among["one"] > 0.8 * alone["one"]
    assert await earned({"one": one, "copy": one}, 434343) == pytest.approx(
        {"one": alone["one"] / 2, "copy": alone["one"] / 2}
    )


def test_training_lowers_the_loss_and_begins_the_same_with_the_same_seed() -> None:
    tokenizer = made_tokenizer()

    def losses(seed: int, steps: int) -> list[float]:
        plan = Plan(steps=16, batch=4, warm_up=4, growth=100.0, seed=seed)  # documents of two facts only
        return [step.loss for step in islice(train(new_model(tokenizer, seed), tokenizer, plan), steps)]

    run = losses(1, 16)
    assert np.mean(run[-3:]) < 0.9 * np.mean(run[:3])
    assert losses(1, 3) == pytest.approx(run[:3], rel=1e-4)
    assert losses(2, 1) != pytest.approx(run[:1], rel=1e-4)


def test_the_script_writes_two_models_and_says_how_it_went(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "subnet.text.training", "--out", str(tmp_path), "--steps", "2", "--json"]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=150, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    told = json.loads(done.stdout)
    assert told["steps"] == len(told["losses"]) == 2
    assert "step 2 of 2" in done.stderr
    assert {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.*")} == {
        f"{name}/{file}" for name in NAMES for file in FILES
    }


def test_the_script_refuses_to_train_nothing() -> None:
    command = [sys.executable, "-m", "subnet.text.training", "--steps", "0"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=150)
    assert done.returncode == 2
    assert "--steps is 0" in done.stderr
