"""Data to train on: from files, from the network, or digits rendered here.

Pixels are uint8, 0 to 255, one image a row; labels are int64.
"""

from fastmlp.data.csv_file import load_csv as load_csv
from fastmlp.data.digits import make_digits as make_digits
from fastmlp.data.formats import Dataset as Dataset
from fastmlp.data.formats import load as load
from fastmlp.data.idx import load_idx as load_idx
from fastmlp.data.mnist import load_mnist as load_mnist
from fastmlp.data.split import train_val_split as train_val_split
