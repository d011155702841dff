# SPDX-License-Identifier: Apache-2.0
"""`python -m subnet.text.training`: train the model that reads, and on the way to it the one that has hardly begun.

It is a command like those of `subnet`, with their flags, errors and exit codes. It stands here because who runs a
network never needs it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from protocols.clock import SystemClock
from protocols.errors import UsageError
from subnet.cli import main
from subnet.cli.answer import Answer
from subnet.cli.app import Command
from subnet.text.training.fit import STEPS, Plan, Step, new_model, train
from subnet.text.training.tokenizer import made_tokenizer

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

__all__ = ["run"]

_EARLY: Final = 200
_TOLD: Final = 25


def run(
    *,
    out: Annotated[Path, Parameter(help="Folder in which `reader` and `beginner` are written.")] = Path("models"),
    steps: Annotated[int, Parameter(help="How many steps to train.")] = STEPS,
    seconds: Annotated[float, Parameter(help="Stop after so many seconds, if not done before.")] = 600.0,
    seed: Annotated[int, Parameter(help="Another seed trains another model.")] = 0,
) -> Answer:
    """Train a small language model to answer the bundled text subnet's questions."""
    if steps < 1:
        raise UsageError(f"--steps is {steps}, expected 1 or more")
    clock, tokenizer = SystemClock(), made_tokenizer()
    model, plan, started = new_model(tokenizer, seed), Plan(steps=steps, seed=seed), clock.monotonic()
    done: list[Step] = []
    for step in train(model, tokenizer, plan):
        done.append(step)
        _tell(step, plan)
        late = clock.monotonic() - started > seconds
        if step.number == _EARLY or (step.number < _EARLY and (late or step.number == steps)):
            _write(out / "beginner", model, tokenizer)
        if late:
            break
    _write(out / "reader", model, tokenizer)
    taken, last = clock.monotonic() - started, done[-1]
    return Answer(
        f"{out / 'reader'}: {last.number} steps in {taken:.0f} s, loss {last.loss:.3f}",
        {
            "folder": str(out),
            "seed": seed,
            "steps": last.number,
            "seconds": round(taken, 1),
            "parameters": model.num_parameters(),
            "losses": [round(step.loss, 4) for step in done],
        },
    )


def _tell(step: Step, plan: Plan) -> None:
    if step.number % _TOLD == 0 or step.number == plan.steps:
        sys.stderr.write(f"step {step.number} of {plan.steps}: {step.told} facts, loss {step.loss:.3f}\n")


def _write(folder: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    """The folder as `from_pretrained` reads it; half the digits are enough to keep."""
    from transformers import LlamaForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    kept = LlamaForCausalLM(model.config).half()  # type: ignore[no-untyped-call]
    kept.load_state_dict(model.state_dict())
    kept.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # it comes readable by its owner alone
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    command = Command("subnet.text.training.__main__:run", "[OPTIONS]", "train the bundled models")
    sys.exit(main(["train", *sys.argv[1:]], {"train": command}))
