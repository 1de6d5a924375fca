"""Where everything lies in memory, and which part of it each thread computes.

`records` defines the tables of addresses that kernels receive, `memory_plan` fills them for one
network and batch size, `packing` lays parameters out in panels, `blocking` has the sizes of the
blocks that work is cut into, `partition` computes each thread's share of a layer, and `by_inputs`
has the table for threads that divide the first layer's inputs.
"""
