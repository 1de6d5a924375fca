"""The page of a run: what was trained on what, looked at in a browser, and a pad to draw on.

`page` is what stands on it, and makes one HTML file of it by the templates in `templates`.
`charts` are its drawings, whose colours follow the browser's light or dark; `images` are its
pixels; `confusion` is which class is taken for which. `pad` is the network in it, for pad.js.
"""
