"""Constants of the simulated study."""

GENOME = "simulated"
LEFT_FLANK, RIGHT_FLANK = "TGTCGT", "GACTGC"
CHROMOSOMES = {f"chr{i + 1}": 250_000 - 10_000 * i for i in range(8)}
PATCH = 1000  # bp of one GC content
SPACING = 400  # bp between elements
WIDE = 201  # bp of an element that can be bound
PLANTED, PLANTED_COFACTOR = 0.5, 0.25  # share of elements with a planted site, for each TF
STRONG = 0.6  # share of planted sites that are bound more often than not
TETHERED = 0.4  # at most this share of elements with the co-factor's motif is bound through the co-factor
INSERT = 20  # bp
POOL = 200_000  # candidates that stand for a library; half of them have a planted site
BOUND = 0.01  # share of the initial library that is bound
CARRIED = 0.08  # chance that an unbound read stays in the pool, relative to a bound one
OPEN = 0.5  # share of the elements that are open in a cell
WIDTH_OPEN = 90  # bp, standard deviation of an open element
HALF_OPEN = 5.0  # accessibility, of a closed step, at which half of the occupied sites are bound
MOST = 0.95  # probability to be bound at the best site of the most open step
DOUBTFUL, SPURIOUS = 0.25, 0.002  # relaxed-only peaks, per step: share of the probability of binding; anywhere
PEAK, READ = 200, 30  # bp
