"""Networks for programs without Python: ONNX graphs, and C.

`layers` is what is written of a network, whichever front end it comes from. `onnx_nodes` adds it to
a graph, such as that of a file, `onnx_graph`; `c_file` writes it as C.
"""
