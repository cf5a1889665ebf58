"""Text of one's own, letter by letter: what Python's manual says about its statements.

ranknosh search tokens.yaml
"""

from pydoc_data.topics import topics

import numpy as np


def data(length=32):
    text = "".join(
        topics[name] for name in ("class", "for", "function", "if", "import", "raise", "try", "while", "with")
    )
    tokens = np.unique(list(text), return_inverse=True)[1]
    last = (len(tokens) - 1) // length * length
    inputs, targets = tokens[:last].reshape(-1, length), tokens[1 : last + 1].reshape(-1, length)
    return inputs, targets  # the token at every place, and the one that follows it
