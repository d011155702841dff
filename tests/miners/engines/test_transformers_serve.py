# SPDX-License-Identifier: Apache-2.0
"""The server that comes with transformers, asked by our engine; runs where its own needs are installed.

They are the packages openai and accelerate, which nothing else here uses. It takes a minute to start.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from miners.engines.engine import Job
from miners.engines.openai import OpenAI
from miners.engines.opening import EngineOptions, open_engine
from protocols.errors import ModelUnloadable

MODEL = Path(__file__).parents[3] / "configs" / "models" / "beginner"

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that has our smallest model."""
    home = tmp_path_factory.mktemp("home")
    (home / "hub").mkdir()
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    words = ["-m", "transformers.cli.transformers", "serve", str(MODEL), "--port", str(port)]
    words += ["--device", "cpu", "--dtype", "float32"]
    environment = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ":".join(filter(None, sys.path))}
    server = subprocess.Popen(
        [sys.executable, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 240
        while time.monotonic() < until and server.poll() is None:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)


async def test_the_server_of_transformers_says_what_our_own_engine_says(served: str) -> None:
    said = []
    for name in ("openai", "transformers"):
        engine = open_engine(name, EngineOptions(url=served, model=str(MODEL), dtype="float32"))
        try:
            await engine.start()
            job = Job(prompt="Where is the cat?", max_tokens=8, deadline=time.monotonic() + 60)
            async with aclosing(engine.generate(job)) as pieces:
                said.append(("".join([piece async for piece in pieces]), job.tally))
        finally:
            await engine.close()
    assert said[0] == said[1]
    assert said[0][1].generated > 0


async def test_a_model_that_the_server_of_transformers_lacks_is_refused(served: str) -> None:
    engine = OpenAI(EngineOptions(url=served, model="nobody/none"))
    with pytest.raises(ModelUnloadable, match="no model 'nobody/none'"):
        await engine.start()
    await engine.close()
