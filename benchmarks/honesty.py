"""Does the verdict's number hold? Studies on tasks whose truth is known, figure by figure against that truth.

What is measured is the product: space, searcher, loop, judge, validation, race, estimate, refits, locked test and verdict
are those of any study. Only the runs are trained apart: many small networks at once, in NumPy.

What truth means, written down before the first run. "Fresh rows" come from the source that the study's rows came from and
are none of them; with groups they are of fresh groups. Points are percentage points of the metric.

validation.selected, and the range beside it: the mean score, on fresh rows, of networks of that very configuration that
    are trained on fresh samples of the stated training size (`validation.rows_trained`): 16 samples, each with a seed of
    its own and with 3,000 further rows to score on. The corrected figure is `validation.selected`; what the verdict calls
    "as searched" is the best-observed score only where the race kept the search's winner, so the control is the best value
    among the trials of the search, held against the truth of *its* configuration.
validation.difference: that mean for the selected less that for the defaults, on the same samples, rows and seeds.
test.delivered: the score of this very network on 20,000 fresh rows.
test.difference: the mean score of the selected less that of the defaults, of networks trained on *these* development
    rows, over 16 further seeds a side, on 20,000 fresh rows.
regret: the best true mean among all configurations tried, less the true mean of the one chosen. All are scored on 4
    samples; the eight best of these, the selected, the best observed and the defaults on 16 more. The best is chosen on
    one half of the 16 and valued on the other, both ways about, so that it is not the luckiest.
a new site: its score, with 80 to 400 rows of its own as the sites seen have, of the network trained on all rows of the
    eight sites seen; the range comes from leaving one site out, each scored by the network of the other seven. Beside it
    the site's score on 20,000 rows.
no gain: the true difference is exactly nil, because the parameters do nothing (placebo) or the labels have nothing to do
    with the inputs and the classes are balanced, so that every rule is right as often as a guess.

A kind is a combination of rows, classes, imbalance, label noise, groups, signal, number of inputs, metric and defaults; a
new seed is no new kind. Standard errors are by kind: the kinds are the clusters, not the studies. Every third study of a
kind is searched by an adaptive searcher, the others at random.

With real tables the source is the table without the study's rows; the samples and the rows to score on are drawn from it
without overlap, as many as there are.
"""
