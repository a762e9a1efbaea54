"""Counts of records that were read, dropped, changed or kept, with the reasons."""

import pandas as pd


class Tally:
    """Counts of records that were read, changed, dropped and kept, with the reasons: the `.log.tsv` beside a table.

    Attributes
    ----------
    rows : list of (str, str, int)
        Event, reason and count, in the order counted.
    """

    def __init__(self):
        self.rows: list[tuple[str, str, int]] = []

    def add(self, event: str, reason: str, count: int) -> None:
        """Count records under an event; a count of zero is not recorded.

        Parameters
        ----------
        event : str
            `read`, `changed`, `dropped`, `kept`, `noted`, or `read as` for the layout of a peak file.
        reason : str
            Kind of record, or why it was changed or dropped.
        count : int
        """
        if count:
            self.rows.append((event, reason, int(count)))

    def total(self, event: str) -> int:
        """Sum of the counts of one event, over all reasons."""
        return sum(count for name, _, count in self.rows if name == event)

    def frame(self) -> pd.DataFrame:
        """All counts as a table.

        Returns
        -------
        DataFrame
            `event`, `reason`, `count` (int), in the order counted.
        """
        return pd.DataFrame(self.rows, columns=["event", "reason", "count"])
