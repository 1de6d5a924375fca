"""`fastmlp train` on pixels: a network, trained and saved as far as it got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import typer

from fastmlp.cli import output
from fastmlp.cli.patience import Patience
from fastmlp.cli.progress import TrainingProgress
from fastmlp.cli.report import Parts, save
from fastmlp.cli.run_files import RunFiles
from fastmlp.cli.signals import signals
from fastmlp.cli.split import Split
from fastmlp.cli.terminal import tell
from fastmlp.network.model_file import MODEL_NAME


class PixelRun(NamedTuple):
    """A training that is saved as far as it got, whatever ends it."""

    files: RunFiles
    split: Split
    patience: Patience
    progress: TrainingProgress
    feature_names: tuple[str, ...] | None

    def train(self, parts: Parts, epochs: int, batch_size: int, lambda_reg: float) -> None:
        """Train the network, and save the epoch to keep of those that were completed.

        A first signal, or a failure of standard output, takes effect between two epochs.
        """
        network, (x_train, y_train, x_val, y_val) = self.patience.network, parts
        with signals.held():
            try:
                with signals.patient(), self.progress:
                    network.train(
                        x_train, y_train, epochs, batch_size, lambda_reg=lambda_reg,
                        validation_data=(x_val, y_val), verbose=False,
                        callbacks=[self.progress, _is_to_stop, self.patience],
                    )  # fmt: skip
            except FloatingPointError as error:
                self.files.give_up()  # it would diverge again
                done = len(network.history_.loss)
                kept = f"saved {self.reached}" if done else "nothing is saved"
                raise ValueError(
                    f"the training diverged in epoch {done + 1}: "
                    f"give a smaller --lr than {network.learning_rate:g} ({kept})"
                ) from error
            finally:
                network.feature_names = self.feature_names  # arrays have no names
                if network.history_.loss:
                    self.patience.settle()
                    save(self.files, network, self.split)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """If a signal ends what is done here, say what is saved, and exit."""
        try:
            yield
        except KeyboardInterrupt:
            if not self.patience.network.history_.loss:
                raise
            tell(f"{signals.word} {self.reached}")
            raise typer.Exit(signals.status) from None

    @property
    def reached(self) -> str:
        """How far the training has come, and where that is saved."""
        done, kept = len(self.patience.network.history_.loss), self.patience.kept_epoch
        epochs = "1 whole epoch" if done == 1 else f"{done} whole epochs"
        state = "is" if kept == done else f"was after epoch {kept}, the best one"
        return f"after {epochs}; saved as it {state}: {self.files.folder / MODEL_NAME}"


def _is_to_stop(epoch: int, logs: Mapping[str, float]) -> bool:
    return signals.caught is not None or output.has_failed()
