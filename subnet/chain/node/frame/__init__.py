# SPDX-License-Identifier: Apache-2.0
"""How a pallet is declared, in the words of FRAME: storage, calls, events, errors, constants, runtime APIs.

A declaration is the whole truth: the metadata, the codec, the storage keys and the docs are read from it. Storage
holds Python values; they are encoded where somebody outside asks, and when a block is written down.
"""
