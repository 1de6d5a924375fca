"""What names such as `x_train`, `kmnist-test-labels` and `t10k-images-idx3-ubyte.gz` say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeVar

from fastmlp.words import listed

Part = Literal["train", "t10k"]
Key = TypeVar("Key")
LONGEST_PATH = 1000  # characters of a path in a message: the user may have to copy it

_PARTS = {
    "train": ("train", "training", "trn"),
    "t10k": ("t10k", "test", "testing", "tst"),
    "val": ("val", "valid", "validation", "dev"),
}
_ROLES = {
    "y": ("y", "label", "labels", "lbl", "lbls", "target", "targets", "class", "classes"),
    "x": (
        "x", "image", "images", "img", "imgs", "data", "feature", "features", "pixel", "pixels",
        "input", "inputs",
    ),
}  # fmt: skip
PART_OF = {word: part for part, words in _PARTS.items() for word in words}
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words}
_LONGEST = 2 * max(map(len, {**PART_OF, **_ROLE_OF}))  # length of two such words in one
_FORMAT = re.compile(r"idx\d*|u?byte|short|int|float|double|gz|xz|bz2|zip|npy|npz")


class Name(NamedTuple):
    """What a file's or an array's name says about it.

    Attributes
    ----------
    dataset : str
        What is left of the name, such as `emnist-letters`; often "".
    part : str
        'train', 't10k' (for any word for test), 'val', or "".
    role : str
        'x' (images), 'y' (labels), or "".
    """

    dataset: str
    part: str
    role: str


def parse(name: str) -> Name:
    """Take a name apart. Upper and lower case, and dots, dashes and underscores, are the same."""
    words = [word for word in re.split(r"[-_. ]+", name.lower()) if word]
    words = [part for word in words for part in _split(word) if not _FORMAT.fullmatch(part)]
    part = role = ""
    for i in reversed(range(len(words))):
        if words[i] in PART_OF:
            part = PART_OF[words.pop(i)]
            break
    for wanted in ("y", "x"):
        at = [i for i, word in enumerate(words) if _ROLE_OF.get(word) == wanted]
        if at:
            role = wanted
            words.pop(at[-1])
            break
    return Name("-".join(words), part, role)


def _split(word: str) -> tuple[str, ...]:
    """Split `xtrain` and `trainimages` in two."""
    for at in range(1, len(word) if len(word) <= _LONGEST else 0):
        head, tail = word[:at], word[at:]
        if (head in PART_OF and tail in _ROLE_OF) or (head in _ROLE_OF and tail in PART_OF):
            return head, tail
    return (word,)


def choose(names: Mapping[Key, Name], prefer: Part, where: str) -> tuple[Key | None, Key | None]:
    """Choose the images and their labels among what is there.

    Parameters
    ----------
    names : mapping
        What the name of each file or array says.
    prefer : 'train' or 't10k'
        The part to take if there are both. A pair of neither part comes second, the other part
        third, and data for validation last.
    where : str
        What holds them, for an error.

    Returns
    -------
    x, y
        Keys of `names`; None for images or labels that are missing from the part.

    Raises
    ------
    ValueError
        If there are several data sets, or several arrays that could be meant.
    """
    datasets: dict[str, Key] = {}
    for key, name in names.items():
        if name.role == "x" or name.dataset not in datasets:
            datasets[name.dataset] = key
    if len(datasets) > 1:
        found = listed(datasets.values(), longest=LONGEST_PATH)
        raise ValueError(f"{where} holds several data sets ({found}): give the path of one of them")
    for part in (prefer, "", "t10k" if prefer == "train" else "train", "val"):
        found_x = [key for key, name in names.items() if name[1:] == (part, "x")]
        found_y = [key for key, name in names.items() if name[1:] == (part, "y")]
        if len(found_x) > 1 or len(found_y) > 1:
            several = listed(found_x if len(found_x) > 1 else found_y, longest=LONGEST_PATH)
            raise ValueError(
                f"{where} holds {several}, and which of them to read is not clear: "
                "give one array of images and one of labels"
            )
        if found_x or found_y:
            return next(iter(found_x), None), next(iter(found_y), None)
    return None, None
