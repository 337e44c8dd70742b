"""Published training subsets as filters: what a model was trained on, in canonical columns, with what null means.

Thresholds are those of the model cards and LAION's own scripts; where a card leaves something open (``punsafe=0.1``
names no comparison), the decision is in the recipe's ``note``. In every recipe a pair whose score is null is left out:
SQL drops it, LAION's joins dropped it, and a pair that nobody scored is not known to be safe.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from laion_pairs.errors import RecipeError
from laion_pairs.releases.catalogue import carriers
from laion_pairs.releases.column_map import ColumnMap
from laion_pairs.releases.mapping import map_release
from laion_pairs.releases.release import Release
from laion_pairs.schema import Predicate
from laion_pairs.schema import ScoreModel as Model

__all__ = ["RECIPES", "Recipe", "check_recipe", "find_recipe"]


@dataclass(frozen=True)
class Recipe:
    """A named set of filters.

    Attributes:
        name: what ``recipe=`` takes, in any case.
        title: what was trained on it.
        source: where the filter was published.
        predicate: the rows it keeps.
        score_models: canonical score column -> the model whose scores the thresholds are about; others are refused.
        nulls: what a null means in it, and why.
        note: what was decided where the source is open, and which release it was drawn from.
    """

    name: str
    title: str
    source: str
    predicate: Predicate
    score_models: Mapping[str, Model] = field(default_factory=dict, hash=False)
    nulls: str = ""
    note: str = ""


_SD1 = "CompVis/stable-diffusion, Stable_Diffusion_v1_Model_Card.md"
_SD2 = "Stability-AI/stablediffusion, modelcard.md"

_V1 = {"aesthetic": Model.AESTHETIC_V1}
_V2 = {"aesthetic": Model.AESTHETIC_V2}
_UNSAFE = {"punsafe": Model.CLIP_NSFW}
_WATERMARK = {"pwatermark": Model.WATERMARK}

_NO_FILTER = "No column is looked at, so nulls do not matter."
_NO_SIZE = "A pair without a size is left out: it cannot be shown to be large enough."
_NO_SCORE = "A pair without a score or a size is left out: it cannot be shown to pass; LAION's joins dropped it too."
_SD1_NOTE = "Drawn from laion2B-en, so use it on an English release."
_SD2_NOTE = "The card writes punsafe=0.1; read as keep <= 0.1."
_SD21_NOTE = "The card names only the new punsafe; aesthetic and size are carried over from 2.0, which it continues."


def _larger(side: int, op: str = ">=") -> str:
    return f"width {op} {side} and height {op} {side}"


def _sd1(version: str, title: str) -> Recipe:
    rule = f"aesthetic > 5.0 and {_larger(512)} and pwatermark < 0.5"
    source = _SD1 if version != "5" else "the runwayml model card, as quoted by others"
    name = f"stable-diffusion-v1-{version}"
    return Recipe(name, title, source, Predicate.parse_text(rule), {**_V2, **_WATERMARK}, _NO_SCORE, _SD1_NOTE)


def _sd2(version: str, title: str, punsafe: float, side: int | None, note: str) -> Recipe:
    rule = f"punsafe <= {punsafe} and aesthetic >= 4.5" + (f" and {_larger(side)}" if side else "")
    name = f"stable-diffusion-v2-{version}"
    return Recipe(name, title, _SD2, Predicate.parse_text(rule), {**_V2, **_UNSAFE}, _NO_SCORE, note)


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "stable-diffusion-v1-1-256",
        "Stable Diffusion 1.1, first stage: 237k steps at 256²",
        _SD1,
        Predicate(),
        nulls=_NO_FILTER,
        note="All of laion2B-en: keeps every row. Its replacement is a subset, so this cannot be had exactly.",
    ),
    Recipe(
        "stable-diffusion-v1-1-512",
        "Stable Diffusion 1.1, second stage: 194k steps at 512²",
        _SD1,
        Predicate.parse_text(_larger(1024)),
        nulls=_NO_SIZE,
        note="Drawn from laion-high-resolution.",
    ),
    _sd1("2", "Stable Diffusion 1.2: 515k steps at 512²"),
    _sd1("3", "Stable Diffusion 1.3: 195k steps on from 1.2, 10 % of the captions dropped in training"),
    _sd1("4", "Stable Diffusion 1.4: 225k steps on from 1.2, 10 % of the captions dropped in training"),
    _sd1("5", "Stable Diffusion 1.5: 595k steps on from 1.2, 10 % of the captions dropped in training"),
    _sd2("0-base-256", "Stable Diffusion 2.0 base, first stage: 550k steps at 256²", 0.1, None, _SD2_NOTE),
    _sd2("0-base-512", "Stable Diffusion 2.0 base, second stage: 850k steps at 512²", 0.1, 512, _SD2_NOTE),
    _sd2(
        "0-768",
        "Stable Diffusion 2.0 at 768²: the last 140k steps",
        0.1,
        768,
        f"{_SD2_NOTE} The 150k steps before used the data of stable-diffusion-v2-0-base-512.",
    ),
    Recipe(
        "stable-diffusion-x4-upscaler",
        "Stable Diffusion x4 upscaler: 1.25M steps",
        _SD2,
        Predicate.parse_text(_larger(2048, ">")),
        nulls=_NO_SIZE,
        note="The card says 10M images above 2048²; how those 10M were chosen among them is not published.",
    ),
    _sd2("1-base", "Stable Diffusion 2.1 base: 220k steps on from 2.0 base", 0.98, 512, _SD21_NOTE),
    _sd2(
        "1-768",
        "Stable Diffusion 2.1 at 768²: the last 155k steps",
        0.98,
        768,
        f"{_SD21_NOTE} The 55k steps before used punsafe 0.1, as stable-diffusion-v2-0-768.",
    ),
    Recipe(
        "laion-aesthetic-v1",
        "laion-aesthetic V1, 120M pairs",
        "LAION's laion-prepro, laion5B/aesthetic/aesthetic_join.py",
        Predicate.parse_text("punsafe < 0.5 and pwatermark < 0.8 and aesthetic > 7"),
        {**_V1, **_UNSAFE, **_WATERMARK},
        "A pair without a tag is left out, as LAION's join did.",
        "Drawn from the three joined sets.",
    ),
    Recipe(
        "laion-art",
        "laion-art, 8M pairs",
        "LAION's laion-prepro, laion5B/aesthetic/laion_art.py",
        Predicate.parse_text("aesthetic > 8"),
        _V1,
        "A pair without a score is left out, as LAION's filter did.",
        "Drawn from the three laion-aesthetic V1 sets.",
    ),
    Recipe(
        "laion-high-resolution",
        "laion-high-resolution, 170M pairs",
        "LAION's laion-prepro, laion5B/high_resolution/high_resolution.py",
        Predicate.parse_text(_larger(1024)),
        nulls=_NO_SIZE,
        note="Drawn from the three joined sets.",
    ),
    Recipe(
        "relaion-research-safe",
        "the rule that makes Re-LAION research-safe from research",
        "laion.ai: relaion-5b",
        Predicate.parse_text("punsafe <= 0.45"),
        _UNSAFE,
        "A pair without a score is left out: unknown is not safe. The post says only that punsafe > 0.45 was dropped.",
        "For the research releases; LAION's further derived sets are filtered by it already.",
    ),
    Recipe(
        "datacomp-laion2b",
        "DataComp's baseline laion2b",
        "github.com/mlfoundations/datacomp, README.md",
        Predicate.parse_text("similarity >= 0.28 and language = 'en'"),
        {"similarity": Model.CLIP_B32},
        "A pair without a similarity or a language is left out: it cannot be shown to pass.",
        "English is what gcld3 detects in the text; DataComp publishes no language: it must be detected and added.",
    ),
)


def find_recipe(name: str) -> Recipe:
    """Return the recipe of that name, in any case. Raises RecipeError, which lists the nearest first, then all."""
    asked = name.strip().casefold()
    names = [recipe.name for recipe in RECIPES]
    if asked in names:
        return RECIPES[names.index(asked)]
    stages = [known for known in names if known.startswith(f"{asked}-")]
    if stages:
        raise RecipeError(f"{name!r} was trained in stages on different data: choose {' or '.join(stages)}.")
    near = difflib.get_close_matches(asked, names, n=3, cutoff=0.4)
    others = [known for known in names if known not in near]
    raise RecipeError(f"{name!r} is no recipe. There are, the nearest first: {', '.join(near + others)}.")


def check_recipe(recipe: Recipe, data: Release | ColumnMap) -> None:
    """Refuse a recipe on data that cannot give what it means.

    Raises:
        RecipeError: a column that the recipe needs is missing, or its scores are of another model than the recipe's;
            the message names the releases that have both. A release whose columns are unknown is checked per file.
    """
    column_map = map_release(data) if isinstance(data, Release) else data
    if column_map is None:
        return
    what = data.name if isinstance(data, Release) else f"this file ({column_map.schema_id})"
    missing = sorted(recipe.predicate.columns - column_map.available)
    if missing:
        rest = [term for branch in recipe.predicate.branches for term in branch if term.column not in missing]
        partly = f" Without it, filters can ask for the rest: {Predicate((tuple(rest),)).render()}." if rest else ""
        needed = ", ".join(missing)
        raise RecipeError(f"{recipe.name} needs {needed}, which {what} does not have. {_where(recipe)}{partly}")
    for column, model in recipe.score_models.items():
        found = column_map.score_models.get(column, Model.UNSTATED)
        if found is not model:
            raise RecipeError(
                f"{recipe.name} is about {column} scores of {model} ({model.meaning}), but those of {what} are of "
                f"{found} ({found.meaning}): the same number means something else. {_where(recipe)} "
                "Or give filters of your own."
            )


def _where(recipe: Recipe) -> str:
    fitting = ", ".join(release.name for release in carriers(recipe.predicate.columns, recipe.score_models))
    return f"Releases that have what it needs: {fitting}." if fitting else "No release has all it needs."
