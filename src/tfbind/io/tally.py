"""An account of records: read, dropped, changed, kept."""

import pandas as pd


class Tally:
    """Counts what was read, changed, dropped and kept, with the reason: the `.log.tsv` beside a table."""

    def __init__(self):
        self.rows: list[tuple[str, str, int]] = []

    def add(self, event: str, reason: str, count: int) -> None:
        """Count `count` records under `event` (`read`, `changed`, `dropped`, `kept`, `noted`); zero is not written."""
        if count:
            self.rows.append((event, reason, int(count)))

    def total(self, event: str) -> int:
        """Sum of the counts of one event."""
        return sum(count for name, _, count in self.rows if name == event)

    def frame(self) -> pd.DataFrame:
        """Columns `event`, `reason`, `count`, in the order counted."""
        return pd.DataFrame(self.rows, columns=["event", "reason", "count"])
