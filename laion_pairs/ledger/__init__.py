"""What happened to every row: outcomes, verdicts, and their counts merged over processes."""

from laion_pairs.ledger.outcome import Outcome

__all__ = ["Outcome"]
