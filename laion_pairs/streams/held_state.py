"""States of a stream whose rows come in blocks: the state of the source where a block begins, and a row of the block.

`datasets` keeps the state of everything it has wrapped in live dicts, into which a loaded state is merged in place:
list by list and dict by dict, on 3.6 even into the state that the user holds. The state of a source at a block's start
is none of its business: here it is one value, which is only replaced, and copied when a state is asked for.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

__all__ = ["BlockState", "OpenState", "copy_state"]

_PLAIN = (int, float, str, bool, type(None))


class _Held:
    """A state as one value. A copy is the state again, and a state that knows how to copy itself does that late."""

    __slots__ = ("state",)

    def __init__(self, state: Any) -> None:
        self.state = state

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy_state(self.state)


class OpenState(dict[str, Any]):
    """A live state that takes up whatever a foreign one has, so that its order is what that is refused for.

    Attributes:
        is_foreign: whether a state was loaded that has what this kind has not.
    """

    is_foreign = False

    def __missing__(self, key: str) -> None:
        self.is_foreign = True

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return copy_state(dict(self))  # type: ignore[no-any-return]


class BlockState(OpenState):
    """``{"order": …, "block": where the block begins, or None, "row": how many of its rows were delivered}``."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, _Held(copy_state(value)) if key == "block" and value is not None else value)

    def begin(self) -> tuple[Any, int]:
        """A copy of where the block begins, None for the stream's first, and the rows of it that were delivered."""
        return copy_state(self["block"]), self["row"]

    def arrive(self, row: int) -> None:
        """So many rows of the block were delivered."""
        dict.__setitem__(self, "row", row)

    def enter(self, block: Any, row: int = 0) -> None:
        """The block that begins here comes next, from that row on; what is given is kept, not copied."""
        dict.__setitem__(self, "block", _Held(block))
        dict.__setitem__(self, "row", row)


def copy_state(state: Any) -> Any:
    """A copy, quick for what states are made of: dicts and lists of plain values."""
    kind = type(state)
    if kind in _PLAIN:
        return state
    if kind is dict:
        return {key: copy_state(value) for key, value in state.items()}
    if kind is list:
        return [copy_state(value) for value in state]
    return deepcopy(state)
