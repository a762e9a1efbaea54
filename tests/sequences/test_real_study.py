"""The rows of `resources/assays`: that every file is the one named, and what is read and kept of it."""

from pathlib import Path

import numpy as np
import pytest

from tfbind.io import download
from tfbind.io.tables import SPLITS
from tfbind.sequences import positives
from tfbind.study import config

CONFIG = Path(__file__).parents[2] / "resources" / "assays" / "config.yaml"
#: Dataset -> records of its files, as `zcat FILE | wc -l` and `grep -c '>'` count them; positives that train, validate
#: and test.
ROWS = {
    "MAFK_chip": ([5000], (3473, 497, 1030)),
    "MAFK_selex": ([50000], (17398, 2561, 5041)),
    "MAFK_mel": ([1904, 239], (856, 96, 119)),
    "GATA4_chip": ([9306], (6759, 1118, 1427)),
    "GATA4_selex": ([178710], (17578, 2422, 30276)),
    "GATA4_pbm": ([41891], (436, 59, 0)),
    "ETS1_k562": ([6681], (4982, 705, 994)),
    "ETS1_selex": ([50000], (17393, 2599, 5008)),
    "CEBPA_liver": ([8752], (6318, 1111, 1322)),
    "CEBPA_words": ([32896], (70, 10, 0)),
    "CEBPB_selex": ([50000], (17490, 2477, 5033)),
    "CEBPB_pbm_me": ([40348, 40191], (1209, 150, 2325)),
    "CEBPB_pbm_hk": ([40191, 40348], (2093, 232, 1359)),
    "ESR1_mcf7": ([6991], (4836, 724, 1431)),
    "ESR1_pbm_me": ([40335, 39649], (4100, 437, 747)),
    "ESR1_pbm_hk": ([39649, 40335], (667, 80, 4537)),
    "MYC_pbm": ([6926], (870, 110, 0)),
    "MAX_pbm": ([8568], (117, 15, 0)),
    "SP1_gm12878": ([17748, 1000], (16038, 1710, 500)),
    "SP1_pbm_me": ([40455, 40262], (327, 34, 1346)),
    "SP1_pbm_hk": ([40262, 40455], (1228, 118, 361)),
    "JUNB_pbm_me": ([38088, 37549], (1228, 125, 112)),
    "JUNB_pbm_hk": ([37549, 38088], (102, 10, 1353)),
    "JUND_mel": ([2620, 328], (1200, 109, 164)),
    "TCF3_pbm_me": ([40226, 38265], (3453, 378, 2760)),
    "TCF3_pbm_hk": ([38265, 40226], (2511, 249, 3831)),
    "TCF12_h1": ([7333, 1000], (6585, 748, 500)),
}


@pytest.fixture(scope="module")
def study(real, tmp_path_factory):
    """The study in a folder to which the files of the new rows were fetched from the mirror, by URL and SHA-256."""
    folder = tmp_path_factory.mktemp("assays")
    loaded = config.load(CONFIG)
    files = {file for dataset in ROWS for file in loaded.checksums(dataset)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFBIND_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        for path, (url, sha256) in loaded.downloads().items():
            if path in files:
                assert download.fetch(url, sha256, path) == sha256
        yield loaded


@pytest.mark.parametrize("dataset", ROWS)
def test_real_rows(study, dataset):
    records, kept = ROWS[dataset]
    row, options = study.row(dataset), {"length": 101, "split": study.config["split"], "limit": 20000}
    table, tally = positives.positives(row, rng=np.random.default_rng(0), **options)
    assert [count for event, _, count in tally.rows if event == "read"] == records
    counts = table["split"].value_counts()
    assert tuple(int(counts.get(name, 0)) for name in SPLITS) == kept
    assert not table["sequence"].str.contains("[^ACGTN]").any() and (table["label"] == 1).all()
    placed = dataset in ("GATA4_chip", "ETS1_k562", "CEBPA_liver", "ESR1_mcf7")
    assert table["chrom"].notna().all() if placed else table["chrom"].isna().all()


def test_real_extra_pairs_and_designs(study):
    """Every row has a partner of another assay, of its own TF or by an extra pair; no array tests its own probes."""
    partners = {name: set() for name in study.datasets}
    for source, row in study.datasets.items():
        for target in study.targets(source):
            assert row["path"] != study.datasets[target]["test_path"]
            if study.datasets[target]["tf"] != row["tf"] or study.datasets[target]["assay"] != row["assay"]:
                partners[source].add(target)
                partners[target].add(source)
    assert not [name for name, others in partners.items() if not others]
