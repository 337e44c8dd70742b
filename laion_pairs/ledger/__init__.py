"""What happened to every row: outcomes, verdicts, and their counts merged over processes."""

from laion_pairs.ledger.image_counts import ImageCounts
from laion_pairs.ledger.ledger import Counts, Ledger
from laion_pairs.ledger.likely_cause import likely_cause
from laion_pairs.ledger.outcome import Outcome

__all__ = ["Counts", "ImageCounts", "Ledger", "Outcome", "likely_cause"]
