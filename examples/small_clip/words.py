"""Captions to numbers: the words of the training captions, and pieces of words, so that "pancake" knows "cakes". Pure.

Tokens are words in lower case and the runs of 3 to 5 letters of ``<word>``, as in Bojanowski et al. 2017 ("Enriching
Word Vectors with Subword Information"); a vocabulary is what occurs in two training captions or more. Case and
punctuation are left out: in a small set they tell whose drawing it is, not what it shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["Vocabulary", "words_of"]

MAX_TOKENS = 100_000
LONGEST_CAPTION = 512
"""Tokens of one caption; what follows is left out."""


def words_of(caption: str | None) -> list[str]:
    """The words of a caption, in lower case."""
    return re.findall(r"\w+", (caption or "").lower().replace("_", " "))


class Vocabulary:
    """The tokens that are known, each with its number; 0 stands for padding.

    Args:
        tokens: in the order of their numbers, which begin with 1.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = list(tokens)
        self._numbers = {token: number for number, token in enumerate(self.tokens, start=1)}

    @classmethod
    def learn(cls, captions: Iterable[str | None]) -> Vocabulary:
        """What two captions or more have in common, the most frequent first."""
        counts = Counter(token for caption in captions for token in dict.fromkeys(_tokens(caption)))
        return cls(token for token, count in counts.most_common(MAX_TOKENS) if count >= 2)

    def __len__(self) -> int:
        return len(self.tokens) + 1

    def encode(self, captions: Iterable[str | None]) -> list[list[int]]:
        """Token numbers, padded with 0 to the longest of these captions (at least one number each)."""
        known = [
            [self._numbers[token] for token in _tokens(caption) if token in self._numbers][:LONGEST_CAPTION]
            for caption in captions
        ]
        longest = max(map(len, known), default=0) or 1
        return [numbers + [0] * (longest - len(numbers)) for numbers in known]


def _tokens(caption: str | None) -> list[str]:
    tokens = []
    for word in words_of(caption):
        marked = f"<{word}>"
        tokens.append(word)
        tokens += [marked[at : at + n] for n in (3, 4, 5) for at in range(len(marked) - n + 1)]
    return tokens
