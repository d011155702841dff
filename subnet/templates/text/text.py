# SPDX-License-Identifier: Apache-2.0
"""A subnet whose miners read a short document and answer a question about it.

Validators write the documents, so they know what is true. An answer is worth what it has in common with the truth, and
is paid once, however many miners give it. Change any of it: what is asked, how it is answered, what an answer is worth.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import numpy as np
from msgspec import Meta

from incentive.attention import Attention, attention_reward, contrast_quality
from protocols import synapse
from protocols.columns import Floats
from subnet import AnswerContext, Replies, Subnet, Synapse, Task, TaskContext
from subnet.text import by_facts, by_words, compose

__all__ = ["Ask", "Text"]


class Ask(Synapse):
    """What a validator asks: a document and a question in one text."""

    prompt: Annotated[str, Meta(max_length=4000)]
    max_tokens: int = 96

    class Reply(synapse.Reply):
        """What a miner answers."""

        text: Annotated[str, Meta(max_length=1000)]


class Text(Subnet):
    """Good answers are paid, and each of them once."""

    name, version = "text", 1
    synapse = Ask

    # Answers less alike than .68 are different, from .85 on they are one: calibrate(by_words(), *own_pairs()).
    # One answer is right, and honest miners may agree on it: gamma=0 lets each keep what it says in its own words.
    rule = Attention(tau0=0.68, tau1=0.85, gamma=0.0)

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        """Validator: write documents without end, and keep the key to each."""
        while True:
            quiz = compose(ctx.rng)
            yield Task(Ask(prompt=quiz.prompt), reference=quiz.key(ctx.rng))

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        """Miner: let the model do the work."""
        return Ask.Reply(text=await ctx.model.generate(ask.prompt, ask.max_tokens))

    def score(self, task: Task, replies: Replies) -> Floats:
        """Validator: pay what an answer knows beyond false ones, divided among those who gave it."""
        key, facts = task.reference, by_facts()
        said, true = facts.embed(replies.texts), facts.embed([key.answer])
        knows = contrast_quality(said, true, facts.embed(key.twins))  # nothing for repeating the question
        chooses = contrast_quality(said, true, facts.embed(key.floods))  # nothing for repeating the document
        words = by_words().embed(replies.texts)
        return attention_reward(words, np.minimum(knows, chooses), rule=self.rule).reward
