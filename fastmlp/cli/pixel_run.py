"""`fastmlp train` on pixels: a network, trained and saved as far as it got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

from fastmlp.cli import output
from fastmlp.cli.patience import Patience
from fastmlp.cli.pixel_page import Parts
from fastmlp.cli.pixel_report import save
from fastmlp.cli.progress import TrainingProgress
from fastmlp.cli.run_files import RunFiles
from fastmlp.cli.signals import signals
from fastmlp.cli.split import Split
from fastmlp.cli.terminal import Terminal, tell, warnings_as_lines
from fastmlp.network.model_file import MODEL_NAME
from fastmlp.training.callbacks import PAUSE


@dataclass(frozen=True)
class PixelRun:
    """A training that is saved as far as it got, whatever ends it; a callback of it, too."""

    files: RunFiles
    split: Split
    patience: Patience
    progress: TrainingProgress
    feature_names: tuple[str, ...] | None

    def train(
        self, parts: Parts, epochs: int, batch_size: int, lambda_reg: float, errors: Terminal
    ) -> None:
        """Train the network, and save the epoch to keep of those that were completed.

        A first signal, or a failure of standard output, takes effect between two epochs.
        """
        network, (x_train, y_train, x_val, y_val) = self.patience.network, parts
        with signals.held():
            try:
                with (
                    signals.patient(), self.progress, warnings_as_lines(errors, set()),
                    self.files.kept() as kept_in,
                ):  # fmt: skip
                    network.train(
                        x_train, y_train, epochs, batch_size, lambda_reg=lambda_reg,
                        validation_data=(x_val, y_val), verbose=False, callbacks=[self],
                        **kept_in,
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

    def __call__(self, epoch: int, logs: Mapping[str, float]) -> object:
        """Show an epoch; return whether the training is to stop after it."""
        self.progress(epoch, logs)
        is_over = self.patience(epoch, logs)
        return is_over or (PAUSE if signals.caught or output.has_failed() else False)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint is to keep, for `load_state_dict`."""
        return self.patience.state_dict()

    def load_state_dict(self, kept: Mapping[str, Any]) -> None:
        """Go on from what another process has kept."""
        self.patience.load_state_dict(kept)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """If a signal ends what is done here, say what is saved, and exit."""
        try:
            yield
        except KeyboardInterrupt:
            if not self.patience.network.history_.loss:
                raise
            self.tell_of_end(signals.word)
            raise typer.Exit(signals.status) from None

    def tell_of_end(self, how: str) -> None:
        """Say how the run has ended, what is saved, and how to go on."""
        tell(f"{how} {self.reached}")
        if command := self.files.command_to_go_on:
            tell(f"To go on: {command}")

    @property
    def reached(self) -> str:
        """How far the training has come, and where that is saved."""
        done, kept = len(self.patience.network.history_.loss), self.patience.kept_epoch
        epochs = "1 whole epoch" if done == 1 else f"{done} whole epochs"
        state = "is" if kept == done else f"was after epoch {kept}, the best one"
        return f"after {epochs}; saved as it {state}: {self.files.folder / MODEL_NAME}"
