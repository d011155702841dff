# SPDX-License-Identifier: Apache-2.0
"""What may be asked of the runtime: the questions that clients put by `state_call`.

A class a question's family, named as on chain; the signatures of its methods are the types on the wire.
"""
