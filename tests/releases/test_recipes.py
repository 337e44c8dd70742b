"""Recipes: their filters as published, what null means, and what they refuse."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest
from releases.published_rows import S2M, S8, S10, S16

from laion_pairs.errors import RecipeError
from laion_pairs.releases import RECIPES, check_recipe, find_recipe, find_release, map_columns
from laion_pairs.schema import SCHEMA, ScoreModel

PUBLISHED = {
    "stable-diffusion-v1-1-256": "every row",
    "stable-diffusion-v1-1-512": "width >= 1024 and height >= 1024",
    "stable-diffusion-v1-2": "aesthetic > 5.0 and width >= 512 and height >= 512 and pwatermark < 0.5",
    "stable-diffusion-v1-3": "aesthetic > 5.0 and width >= 512 and height >= 512 and pwatermark < 0.5",
    "stable-diffusion-v1-4": "aesthetic > 5.0 and width >= 512 and height >= 512 and pwatermark < 0.5",
    "stable-diffusion-v1-5": "aesthetic > 5.0 and width >= 512 and height >= 512 and pwatermark < 0.5",
    "stable-diffusion-v2-0-base-256": "punsafe <= 0.1 and aesthetic >= 4.5",
    "stable-diffusion-v2-0-base-512": "punsafe <= 0.1 and aesthetic >= 4.5 and width >= 512 and height >= 512",
    "stable-diffusion-v2-0-768": "punsafe <= 0.1 and aesthetic >= 4.5 and width >= 768 and height >= 768",
    "stable-diffusion-x4-upscaler": "width > 2048 and height > 2048",
    "stable-diffusion-v2-1-base": "punsafe <= 0.98 and aesthetic >= 4.5 and width >= 512 and height >= 512",
    "stable-diffusion-v2-1-768": "punsafe <= 0.98 and aesthetic >= 4.5 and width >= 768 and height >= 768",
    "laion-aesthetic-v1": "punsafe < 0.5 and pwatermark < 0.8 and aesthetic > 7.0",
    "laion-art": "aesthetic > 8.0",
    "laion-high-resolution": "width >= 1024 and height >= 1024",
    "relaion-research-safe": "punsafe <= 0.45",
    "datacomp-laion2b": "similarity >= 0.28 and language = 'en'",
}

ACCEPTED = [
    ("stable-diffusion-v1-1-256", "relaion2B-en-research-safe"),
    ("stable-diffusion-v1-1-512", "relaion-high-resolution"),
    ("stable-diffusion-v1-2", "aesthetics_v2_4.75"),
    ("STABLE-DIFFUSION-V1-5", "aesthetics_v2_4.5"),
    ("stable-diffusion-v2-0-base-512", "aesthetics_v2_4.5"),
    ("stable-diffusion-v2-1-768", "aesthetics_v2_4.5"),
    ("stable-diffusion-x4-upscaler", "relaion2B-en-research-safe"),
    ("laion-aesthetic-v1", "laion2B-en-aesthetic"),
    ("laion-art", "relaion-art"),
    ("laion-art", "relaion2B-multi-aesthetic"),
    ("laion-high-resolution", "datacomp_small"),
    ("relaion-research-safe", "relaion2B-en-research"),
    ("stable-diffusion-v1-2", "relaion400m"),  # its columns are not public: each file is checked when it is read
]

REFUSED = [
    ("stable-diffusion-v1-2", "relaion2B-en-research-safe", "needs aesthetic, .*aesthetics_v2_4.5, aesthetics_v2_4.75"),
    ("stable-diffusion-v1-2", "laion2B-en-aesthetic", "aesthetic scores of aesthetic-v2 .* are of aesthetic-v1"),
    ("stable-diffusion-v2-1-base", "relaion-art", "aesthetic-v1"),
    ("laion-aesthetic-v1", "aesthetics_v2_4.5", "aesthetic scores of aesthetic-v1 .* are of aesthetic-v2"),
    ("laion-art", "coyo-700m", "aesthetic scores of aesthetic-v1 .* are of aesthetic-v2"),
    ("stable-diffusion-v1-2", "coyo-700m", "pwatermark scores of laion-watermark .* are of coyo-watermark"),
    ("relaion-research-safe", "coyo-700m", "punsafe scores of clip-based-nsfw-detector .* are of opennsfw2"),
    ("relaion-research-safe", "datacomp_small", "needs punsafe"),
    ("laion-high-resolution", "cc3m", "needs height, width"),
    ("datacomp-laion2b", "datacomp_small", "needs language, .* No release has all it needs.* similarity >= 0.28"),
    ("datacomp-laion2b", "relaion-high-resolution", "clip-vit-b-32-or-mclip"),
    ("datacomp-laion2b", "relaion2B-multi-research", "mclip"),
]


def test_filters_as_published() -> None:
    assert {recipe.name: recipe.predicate.render() for recipe in RECIPES} == PUBLISHED


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_says_what_it_is(recipe: object) -> None:
    assert recipe.title
    assert recipe.source
    assert recipe.nulls.endswith(".")
    scores = {"similarity", "punsafe", "pwatermark", "aesthetic"} & recipe.predicate.columns
    assert set(recipe.score_models) == scores
    assert pickle.loads(pickle.dumps(recipe)) == recipe


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_null_means_left_out(recipe: object) -> None:
    """One row that passes everything, and for each column the same row with a null in its place."""
    good = {"similarity": 0.5, "punsafe": 0.0, "pwatermark": 0.0, "aesthetic": 9.0, "language": "en"}
    good |= {"width": 4096, "height": 4096}
    columns = sorted(recipe.predicate.columns)
    rows = [good, *({**good, column: None} for column in columns)]
    batch = pa.RecordBatch.from_pylist(rows, pa.schema([SCHEMA.field(name) for name in good]))
    assert recipe.predicate.mask(batch).to_pylist() == [True] + [False] * len(columns)


@pytest.mark.parametrize(("recipe", "release"), ACCEPTED)
def test_accepted(recipe: str, release: str) -> None:
    check_recipe(find_recipe(recipe), find_release(release))


@pytest.mark.parametrize(("recipe", "release", "says"), REFUSED)
def test_refused(recipe: str, release: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        check_recipe(find_recipe(recipe), find_release(release))


def test_files_are_checked_by_their_columns() -> None:
    sd = find_recipe("stable-diffusion-v1-2")
    check_recipe(sd, map_columns(pa.schema(S10)))
    with pytest.raises(RecipeError, match=r"this file \(S3m\) are of aesthetic-v1"):
        check_recipe(sd, map_columns(pa.schema([*S2M, ("aesthetic", pa.float32())])))
    with pytest.raises(RecipeError, match=r"needs aesthetic, which this file \(S8\)"):
        check_recipe(sd, map_columns(pa.schema(S8)))
    mapped = map_columns(
        pa.schema(S10),
        column_mapping={
            "url": "URL",
            "aesthetic": "AESTHETIC_SCORE",
            "width": "WIDTH",
            "height": "HEIGHT",
            "pwatermark": "pwatermark",
        },
    )
    with pytest.raises(RecipeError, match="are of unstated"):
        check_recipe(sd, mapped)
    check_recipe(find_recipe("datacomp-laion2b"), map_columns(pa.schema([*S16, ("detected_language", pa.string())])))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("stable-diffusion-v1-1", "choose stable-diffusion-v1-1-256 or stable-diffusion-v1-1-512"),
        ("stable-diffusion-v2-0-base", "choose stable-diffusion-v2-0-base-256 or stable-diffusion-v2-0-base-512"),
        ("stable-diffusion-1.4", "the nearest first: stable-diffusion-v1-4"),
        ("nope", "relaion-research-safe"),
    ],
)
def test_unknown_recipe(asked: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        find_recipe(asked)


def test_models_are_named_by_what_made_them() -> None:
    assert find_recipe("stable-diffusion-v1-2").score_models == {
        "aesthetic": ScoreModel.AESTHETIC_V2,
        "pwatermark": ScoreModel.WATERMARK,
    }
