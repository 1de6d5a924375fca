"""fastmlp's table classes against boosted trees and others, untuned: `nox -s bench_tables`.

`sets` names the tables, which come out of packages and need no download: those that the recipe was
chosen by, and others, fixed before anything was measured on them, which no setting was chosen by.
`more_sets` has more of the former, of special kinds, which are measured when they are asked for.
`rows` divides a table into rows to train on and rows to test on. `methods` are the contestants, a
function each, with their defaults and what they need of encoding. Each lives in a process of its
own, where `session` fits it and takes its time and `scores` says how wrong it was; `rounds` sends
all of them the same rows, and checks that. `large` is one long table, for time and memory.
`results` are kept in a file, `summary` has ranks and means, `targets` what was aimed at, and
`report` and `chart` write them down under benchmarks/results/.
"""
