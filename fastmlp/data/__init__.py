"""Data to train on: from files, from the network, or digits rendered here.

Pixels are uint8, 0 to 255, one image a row; labels are int64.

`formats` is the one door for files, `load`: a table of formats and their readers. `sniff` tells
formats by content, `archives` unpacks, `limits` bounds what may come out of a file, `pipes` keeps
what gives its bytes only once. The readers are `csv_table` (with `csv_layout`, `csv_stream` and
`csv_comments`; `csv_file` is the older `load_csv`), `parquet`, `idx`, `numpy_files` and `images`
(`grey` makes rows of them). They hand on a `raw.Raw`. `columns` and `indices` say what a table's
columns are, `names` what a file's name says, `arrays` makes rows of arrays, `pixels` finds the
scale and `labels` the classes. Beside files there are `mnist`, downloaded once, and `digits`,
rendered here (`cache` is where they lie); `split` divides rows into two.

`frames` is the door for tables with columns of any kind, which `csv_frame` and `parquet_frame`
read; `recognise` tells them from pixels.

A new format is an entry in `formats.READERS`, a line in `sniff` and a small file.
"""

from fastmlp.data.csv_file import load_csv as load_csv
from fastmlp.data.digits import make_digits as make_digits
from fastmlp.data.formats import Dataset as Dataset
from fastmlp.data.formats import load as load
from fastmlp.data.idx import load_idx as load_idx
from fastmlp.data.mnist import load_mnist as load_mnist
from fastmlp.data.split import train_val_split as train_val_split
