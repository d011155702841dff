# SPDX-License-Identifier: Apache-2.0
"""Training of the bundled models: a tokenizer, examples without end, and a few minutes on two cores.

    python -m subnet.text.training --out reader

What comes out is an ordinary folder that `transformers` loads. PyTorch and transformers, the extra [ml], are imported
by the functions that need them and by nothing else.
"""
