"""What lies where in memory, and which thread works on which part of it.

`records` defines the tables of addresses that kernels receive, `memory_plan` fills them for one
network and batch size, `packing` lays parameters out in panels, `blocking` has the sizes of the
blocks that work is cut into, and `partition` computes each thread's share of a layer.
"""
