"""The client of a cluster: whether it can be used, and what its workers have installed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from distributed import Client, default_client

from fastmlp.version import __version__
from fastmlp.words import shown


def as_client(client: Any) -> Client:
    """Return a client that is connected: the one given, or else the last one made.

    Raises
    ------
    TypeError
        If it is none, or one of asynchronous code.
    ValueError
        If there is none.
    RuntimeError
        If it is closed.
    """
    if client is None:
        try:
            client = default_client()
        except ValueError:
            raise ValueError(
                "there is no Dask client: make one, dask.distributed.Client(address), or give it "
                "as client"
            ) from None
    if not isinstance(client, Client):
        raise TypeError(f"client is {shown(client)}: give a dask.distributed.Client")
    if client.asynchronous:
        raise TypeError("client is asynchronous: give one made without asynchronous=True")
    if client.status != "running":
        raise RuntimeError(f"the Dask client is {client.status}: connect anew, and give that one")
    return client


def check_workers(client: Client) -> None:
    """Raise RuntimeError unless all workers have this version of fastmlp."""

    def version() -> str | None:  # within a function: sent as code, not as a name in fastmlp
        try:
            from fastmlp.version import __version__
        except ImportError:
            return None
        return __version__

    found = client.run(version, on_error="ignore")
    for address, there in sorted(found.items()):
        if there is None:
            raise RuntimeError(
                f"the worker {address} has no fastmlp: install {__version__}, as here"
            )
        if there != __version__:
            raise RuntimeError(
                f"the worker {address} has fastmlp {there}, and here is {__version__}: install "
                "the same version everywhere"
            )


@contextmanager
def saying_what_is_lost(client: Client) -> Iterator[None]:
    """Turn Dask's errors on what nobody can compute any more into one that says why."""
    try:
        yield
    except (ValueError, TypeError):
        raise
    except Exception as error:
        if client.status != "running":
            raise RuntimeError(
                f"the Dask client is {client.status}, in the middle of a fit: keep it until the end"
            ) from error
        if not isinstance(error, CancelledError):
            raise
        raise RuntimeError(
            "rows are lost, and the cluster can't compute them again: they had been sent to it "
            "(client.scatter), and their worker has gone. Have the workers load them "
            "(dask.dataframe.read_parquet, dask.array.from_delayed)"
        ) from error
