"""The lazy handle of a pair's image: where it lives and what is known about it, and the image when somebody asks.

Boundary: making, showing as text, copying, comparing or pickling a handle never opens a connection; `.fetch()`,
`.bytes()`, `.open()` and the notebook's picture do, through `fetch_image` and its policy, and nothing else.

A handle is a dict with the fields of `laion_pairs.images.storage.STORAGE`, so that everything which moves rows moves
handles too: Arrow, pickle, spawned workers. All it knows is in its items; where they apply, ``takedown`` (the lists
that its dataset was loaded with) and ``withdrawn`` (the withdrawn release it comes from) are items as well. It is never
equal to a plain dict (`datasets` takes equality for "nothing to decode"), and it has no ``__array__``, for then
`datasets` would download in silence.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from laion_pairs.images.collation import refuse_collation
from laion_pairs.images.decoding import decode_image
from laion_pairs.images.display import Card, draw_card
from laion_pairs.images.failure import fetch_failed
from laion_pairs.images.fetch import fetch_image
from laion_pairs.images.fetched import Fetched
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.protection import lists_in_force, names, refuse_taken_down, refuse_withdrawn
from laion_pairs.images.refusal import Refused
from laion_pairs.images.stored import read_stored
from laion_pairs.plain_text import one_line

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["RemoteImage"]


class RemoteImage(dict[str, Any]):
    """An image that is fetched when you ask for it.

    ```py
    >>> image = RemoteImage("https://upload.wikimedia.org/example.jpg", width=640, height=480)
    >>> image
    <RemoteImage 640x480 https://upload.wikimedia.org/example.jpg>
    >>> image.open()                 # PIL.Image in RGB, or FetchFailed with its outcome
    >>> image.fetch().outcome        # never raises for what the web does
    ```

    Args:
        source: the image's URL, or a mapping with a handle's fields, such as the plain dict that
            ``with_format("torch")`` and ``with_format("numpy")`` make of a handle.
        width, height: pixels of the original, as published.
        digest: ``md5:…`` or ``sha256:…`` of the image's bytes, where published.
        unsafe: true to show the picture in notebooks only after `.show()`.

    Raises:
        TypeError: ``source`` is neither a URL nor a mapping.
    """

    _policy: DownloadPolicy | None = None
    _shown = False
    _card: Card | None = None

    def __init__(
        self,
        source: str | Mapping[str, Any],
        *,
        width: int | None = None,
        height: int | None = None,
        digest: str | None = None,
        unsafe: bool | None = None,
    ) -> None:
        given: dict[str, Any] = {"width": width, "height": height, "digest": digest, "unsafe": unsafe}
        if isinstance(source, str):
            given["path"] = source
        elif isinstance(source, Mapping):
            given = {**source, **{name: value for name, value in given.items() if value is not None}}
        else:
            raise TypeError(f"a RemoteImage is made of a URL or of a mapping with its fields, not of {type(source)}")
        super().__init__(
            bytes=given.get("bytes"),
            path=_optional(str, given.get("path")),
            width=_optional(int, given.get("width")),
            height=_optional(int, given.get("height")),
            digest=_optional(str, given.get("digest")),
            unsafe=_optional(bool, given.get("unsafe")),
        )
        if given.get("takedown") is not None and len(given["takedown"]):
            self["takedown"] = tuple(str(path) for path in given["takedown"])
        if given.get("withdrawn"):
            self["withdrawn"] = str(given["withdrawn"])
        refuse_collation(RemoteImage)

    @classmethod
    def from_storage(cls, storage: Mapping[str, Any]) -> RemoteImage:
        """Make a handle of the items as they are: for rows read from Arrow, millions of them."""
        handle = cls.__new__(cls)
        handle.update(storage)
        refuse_collation(RemoteImage)
        return handle

    @property
    def url(self) -> str | None:
        """Where the image lives; None for an image that is stored without its origin."""
        url: str | None = self["path"]
        return url

    @property
    def width(self) -> int | None:
        """Width of the original in pixels, as published."""
        width: int | None = self["width"]
        return width

    @property
    def height(self) -> int | None:
        """Height of the original in pixels, as published."""
        height: int | None = self["height"]
        return height

    @property
    def size(self) -> tuple[int, int] | None:
        """``(width, height)`` as published, or None where either is unknown."""
        width, height = self["width"], self["height"]
        return None if width is None or height is None else (width, height)

    @property
    def digest(self) -> str | None:
        """``md5:…`` or ``sha256:…`` of the image's bytes, where published."""
        digest: str | None = self["digest"]
        return digest

    @property
    def unsafe(self) -> bool | None:
        """Whether the pair's scores warn (``punsafe`` of 0.5 or more, ``nsfw`` not UNLIKELY); None when unscored."""
        unsafe: bool | None = self["unsafe"]
        return unsafe

    @property
    def takedown(self) -> tuple[str, ...]:
        """The takedown lists that the handle's dataset was loaded with; the configured ones apply beside them."""
        takedown: tuple[str, ...] = self.get("takedown", ())
        return takedown

    @property
    def withdrawn(self) -> str | None:
        """The withdrawn release that the pair comes from: its image is not fetched. None for all others."""
        return self.get("withdrawn")

    def fetch(self, policy: DownloadPolicy | None = None) -> Fetched:
        """Fetch the image, or say why not; an image whose bytes are stored is checked without any request.

        Args:
            policy: the limits; ``DownloadPolicy()`` when None.

        Returns:
            A `Fetched`. Whatever the web does is its ``outcome``, never an exception.

        Raises:
            TakedownError: an active takedown list is missing or unreadable; without it nothing is delivered.
        """
        if self.withdrawn:
            return refuse_withdrawn(self.withdrawn)
        policy = policy or DownloadPolicy()
        takedown = lists_in_force(self.takedown)
        if takedown is not None and names(takedown, self.url, self.digest):
            return refuse_taken_down()
        if self["bytes"] is not None:
            return read_stored(self["bytes"], self.url or "", policy, takedown)
        return fetch_image(self.url or "", policy, takedown=takedown)

    def bytes(self, policy: DownloadPolicy | None = None) -> builtins.bytes:
        """Fetch the image file's bytes, as the host sent them.

        Raises:
            FetchFailed: the image could not be had; ``.outcome`` says why.
            TakedownError: as for `fetch`.
        """
        fetched = self.fetch(policy)
        if fetched.body is None:
            raise fetch_failed(fetched.outcome, fetched.url, fetched.detail)
        return fetched.body

    def open(self, policy: DownloadPolicy | None = None) -> Image.Image:
        """Fetch the image and decode it: a `PIL.Image.Image` in RGB, turned as its EXIF orientation says.

        Raises:
            FetchFailed: the image could not be had; ``.outcome`` says why.
            TakedownError: as for `fetch`.
        """
        body = self.bytes(policy)
        try:
            return decode_image(body, policy or DownloadPolicy())
        except Refused as refused:
            raise fetch_failed(refused.outcome, self.url or "", refused.detail) from None

    def show(self, policy: DownloadPolicy | None = None) -> RemoteImage:
        """Let notebooks show this handle's picture even if its scores warn, and return the handle.

        Args:
            policy: the limits under which notebooks fetch this handle's picture from now on.
        """
        self._shown, self._policy, self._card = True, policy, None
        return self

    def copy(self) -> RemoteImage:
        """Copy the handle; what `show` allowed stays with the original."""
        return self.from_storage(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteImage.from_storage, (dict(self),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteImage) and dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __repr__(self) -> str:
        size = f" {self.width}x{self.height}" if self.size else ""
        place = self.url if self.url is not None else f"{len(self['bytes'] or b'')} bytes"
        return f"<RemoteImage{size} {one_line(place, max_chars=200)}>"

    def _repr_html_(self) -> str | None:
        """Text for a notebook: why there is no picture. None when there is one, which `_repr_png_` gives.

        Notebooks ask for HTML before they ask for PNG, so one fetch answers both.
        """
        self._card = draw_card(self, policy=self._policy, shown=self._shown)
        return self._card.html

    def _repr_png_(self) -> builtins.bytes | None:
        """The picture for a notebook, at most 512 pixels wide and high; None when there is none."""
        card = self._card or draw_card(self, policy=self._policy, shown=self._shown)
        self._card = None
        return card.png


def _optional(kind: Any, value: Any) -> Any:
    return None if value is None else kind(value)
