"""Trains the model: `python -m nlu.interpreter.train TARGET`.

What the same data and pipeline gave before is not made again: the caller names the file after
`nlu.fingerprint`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from nlu.interpreter.data import write_data

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Train, then put the model at its place in one step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", type=Path)
    parser.add_argument("--config", type=Path, default=HERE / "config.yml")
    parser.add_argument("--phrases", type=Path, default=HERE.parent / "phrases" / "train")
    given = parser.parse_args()
    from rasa.model_training import train_nlu  # takes seconds

    given.target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.target.parent) as work:
        data = Path(work) / "nlu.yml"
        write_data(given.phrases, data)
        made = train_nlu(str(given.config), str(data), work, fixed_model_name="model")
        if made is None:
            raise SystemExit("Rasa made no model of the phrases; see the lines above.")
        shutil.move(made, given.target)


if __name__ == "__main__":
    main()
