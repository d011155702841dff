# SPDX-License-Identifier: Apache-2.0
"""The door for users of a validator: OpenAI's protocol in front, the subnet's miners behind, scores out of both.

`gateway.Gateway` is the door and `keys.Keys` are who may come in; a command that adds a key imports no more than that.
"""
