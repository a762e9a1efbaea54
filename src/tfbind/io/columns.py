"""Column names of `metrics.tsv`, `transfer.tsv` and the other long tables."""

KEY = ["tf", "source", "source_assay", "target", "target_assay", "shift"]
NEGATIVES = ["train_negatives", "test_negatives", "model"]
METRIC_COLUMNS = [
    *(*KEY, "comparison", *NEGATIVES, "seed", "metric", "value", "low", "high"),
    *("n_positive", "n_negative", "note"),
]
TRANSFER_COLUMNS = [
    *(*KEY, *NEGATIVES, "n_positive", "n_negative", "same", "cross", "drop", "low", "high"),
    *("p_value", "p_delong", "floor", "note"),
]
CURVE_COLUMNS = ["tf", "source", "target", "shift", *NEGATIVES, "curve", "x", "y"]
