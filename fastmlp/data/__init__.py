"""Data to train on: from files, from the network, or digits rendered here.

Pixels are uint8, 0 to 255, one image a row; labels are int64.

`formats` has `load`, which reads every format: a table of formats and their readers. `sniff`
recognises formats by content, `archives` unpacks, `limits` bounds what may come out of a file, and
`pipes` copies to disk what can be read only once.

Each reader returns a `raw.Raw`. `csv_table` reads CSV in any layout, and `csv_digits` in that of
Kaggle's Digit Recognizer only (`load_csv`). What they share: `csv_text` reads a table whose layout
is known, `csv_layout` finds the layout, `csv_stream` guards pandas against endless rows, and
`csv_comments` recognises comments. `parquet`, `idx` and `numpy_files` read these formats, and
`images` reads image files, which `grey` turns into rows. `parquet_footer` and `parquet_pages` check
what a parquet file claims before pyarrow sees it, and `thrift` reads these claims.

`cells` tells numbers, words and missing values apart, `columns` finds the label and the features
of a table, and `indices` the columns that number its rows. `names` takes file names apart, `arrays`
turns arrays into rows and labels, `pixels` finds the scale and `labels` the classes. `mnist` is
downloaded once, `digits` are rendered, and `cache` says where both are kept; `split` divides rows
into two sets.

`frames` reads tables with columns of any kind, by `csv_frame` and `parquet_frame`; `recognise`
tells them from pixels.

A new format takes an entry in `formats.READERS`, a line in `sniff` and a small file.
"""

from fastmlp.data.csv_digits import load_csv as load_csv
from fastmlp.data.digits import make_digits as make_digits
from fastmlp.data.formats import Dataset as Dataset
from fastmlp.data.formats import load as load
from fastmlp.data.idx import load_idx as load_idx
from fastmlp.data.mnist import load_mnist as load_mnist
from fastmlp.data.split import train_val_split as train_val_split
