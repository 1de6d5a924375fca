"""Every target of the project, measured in one run against every peer: `nox -s bench_peers`.

Each side (`sides/`, one file each) lives in a process of its own (`worker`), pinned to as many
cores as it has threads. After a check that all compute the same thing, their rounds alternate
(`race`) and the best of at least five counts. `rows/` measures the targets; `report` and `charts`
write them down under benchmarks/results/. `scaling` and its chart are a run of their own,
``--threads 1,2,4,8,16``: fastmlp with any number of threads.
"""
