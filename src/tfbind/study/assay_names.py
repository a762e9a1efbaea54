"""The assays: the word of the sheet -> the name in print. `sequences.assays.ASSAYS` says how each is read."""

PRINTED = {"chipseq": "ChIP-seq", "htselex": "HT-SELEX"}
