# SPDX-License-Identifier: Apache-2.0
"""A subnet whose miners read a short document and answer a question about it.

Validators write the documents, so they know what is true. An answer is worth what it has in common with the truth, and
is paid once, however many miners give it. Change any of it: what is asked, how it is answered, what an answer is worth.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from msgspec import Meta

from incentive.attention import Attention, attention_reward, contrast_quality
from protocols import synapse
from protocols.columns import Floats
from subnet import AnswerContext, Judgement, Replies, Subnet, Synapse, Task, TaskContext
from subnet.text import agreement, by_facts, compose, nearness

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

    def score(self, task: Task, replies: Replies) -> Floats | Judgement:
        """Validator: pay what an answer knows beyond false ones, divided among those who gave it, and say why."""
        key, facts = task.reference, by_facts()
        if key is None:  # a user's question: nobody knows, so what the others say has to do
            quality = agreement(task.ask, replies.texts, self.rule)
        else:  # nothing for repeating the question, nor for repeating the document
            said, true = facts.embed(replies.texts), facts.embed([key.answer])
            quality = contrast_quality(said, true, facts.embed(key.twins), facts.embed(key.floods))
        paid = attention_reward(nearness(replies.texts, self.rule), quality, rule=self.rule)
        return Judgement(paid.reward, {"quality": quality, "share": paid.share, "attention": paid.attention})

    def likeness(self, replies: Replies) -> Floats:
        """Validator: say which answers are one, by their words, as the reward has it."""
        return nearness(replies.texts, self.rule).same
