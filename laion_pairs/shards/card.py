"""What a repository's README says its data files are, in the YAML ``configs:`` that ``datasets`` reads (no I/O)."""

from __future__ import annotations

from datasets.data_files import sanitize_patterns
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard

from laion_pairs.errors import ShardError

__all__ = ["card_data_files"]


def card_data_files(readme: str, repo_id: str) -> dict[str, list[str]] | None:
    """Split name to glob patterns of the card's default configuration, or of its only one; None if it names none.

    Raises:
        ShardError: the card cannot be read, or has several configurations and none of them is the default.
    """
    try:
        configs = MetadataConfigs.from_dataset_card_data(DatasetCard(readme, ignore_metadata_errors=True).data)
        default = configs.get_default_config_name()
    except ValueError as error:
        raise ShardError(
            f"The README of {repo_id} has a `configs:` that cannot be read ({error}); pass data_files=."
        ) from error
    if not configs:
        return None
    if default is None:
        raise ShardError(
            f"{repo_id} has several configurations ({', '.join(configs)}) and none is the default; "
            f'pass data_files="hf://datasets/{repo_id}/…" for the one you want.'
        )
    patterns = configs[default].get("data_files")
    return None if patterns is None else {split: list(globs) for split, globs in sanitize_patterns(patterns).items()}
