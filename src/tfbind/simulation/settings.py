"""Constants of the simulated study."""

GENOME = "simulated"
LEFT_FLANK, RIGHT_FLANK = "TGTCGT", "GACTGC"
CHROMOSOMES = {f"chr{i + 1}": 250_000 - 10_000 * i for i in range(8)}
LENGTH = 101  # bp of a window that models read
PATCH = 1000  # bp of one GC content
SPACING = 400  # bp between elements
WIDE = 201  # bp of an element that can be bound
PLANTED, PLANTED_COFACTOR = 0.5, 0.25  # share of elements with a planted site, for each TF
STRONG = 0.6  # share of planted sites that are bound more often than not
TETHERED = 0.4  # at most this share of elements with the co-factor's motif is bound through the co-factor
INSERT = {"htselex": 20, "selexseq": 16, "smileseq": 30}  # bp
POOL = 200_000  # candidates that stand for a library; half of them have a planted site
BOUND = 0.01  # share of the initial library that is bound
#: Chance that an unbound molecule stays in the pool, relative to a bound one: beads keep more than a gel or a trap.
CARRIED = {"htselex": 0.08, "ghtselex": 0.08, "selexseq": 0.02, "smileseq": 0.002}
OPEN = 0.5  # share of the elements that are open in a cell
WIDTH_OPEN = 90  # bp, standard deviation of an open element
HALF_OPEN = 5.0  # accessibility, of a closed step, at which half of the occupied sites are bound
MOST = 0.95  # probability to be bound at the best site of the most open step
DOUBTFUL, SPURIOUS = 0.25, 0.002  # relaxed-only peaks, per step: share of the probability of binding; anywhere
PEAK, READ = 200, 30  # bp
BIN, FRAGMENT = 200, 150  # bp: of GHT-SELEX, the bins in which its reads are counted, and its genomic fragments
DEPTH = 10  # GHT-SELEX reads of a cycle per bin
LEAK = {
    "cutandrun": 0.02,
    "cuttag": 0.1,
}  # cuts in chromatin of accessibility 1, as a share of those at an occupied site
PROBE, PROBE_END = 35, "GTCTGTGTTCCGTTGTCCGTGCTG"  # bp that differ between the probes of a PBM, and the end of all
WORD = 9  # every word of this length stands once on an array, so every 8-mer four times
BRIGHT, DARK, AROUND = 20_000, 0.02, 200  # PBM signal of an occupied probe; of any, as a share of that; background
SPOT = 0.25  # standard deviation of the natural log of the signal of a spot
FLAGGED = 0.005  # share of the spots that are flagged: dust and scratches
TREND = 0.4  # rise of the natural log of the signal from one edge of the array to the other
THRESHOLD = 4.0  # robust standard deviations above the median from which a probe is bound
SHUFFLES = 5  # of each positive, to know what a perfect model reaches
