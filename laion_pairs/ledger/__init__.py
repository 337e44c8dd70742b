"""What happened to every row: outcomes, verdicts, and their counts merged over processes."""

from laion_pairs.ledger.ledger import Counts, Ledger
from laion_pairs.ledger.outcome import Outcome

__all__ = ["Counts", "Ledger", "Outcome"]
