"""`python -m nlu.training.calibrate`: thresholds for danger, by phrases of a hand unheard of.

What one hand wrote is judged by a model that learned from the others, and the other way round. So
no threshold is chosen by phrases that the model has seen, nor by the test phrases.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nlu.fingerprint import FOLDER
from nlu.phrases import Phrase, read_phrases
from nlu.reader import Reader
from nlu.safety import DANGER, SELF_HARM
from nlu.training.fitting import fit_one, matrix

NOW = (DANGER, SELF_HARM)
FALSE_CARDS, FALSE_QUESTIONS = 0.025, 0.08
"""Of harmless phrases: a little less than what is allowed."""


def unheard_scores(
    reader: Reader, phrases: Sequence[Phrase], hands: Sequence[str]
) -> tuple[list[Phrase], np.ndarray]:
    """The phrases of each hand, with the scores of a model that never saw that hand."""
    rows = matrix([reader.features(phrase.text) for phrase in phrases])
    files = np.array([Path(phrase.file).stem for phrase in phrases])
    judged: list[Phrase] = []
    scores: list[np.ndarray] = []
    for hand in hands:
        own, others = np.flatnonzero(files == hand), np.flatnonzero(files != hand)
        columns: list[np.ndarray] = []
        for name in NOW:
            truth = [name in phrases[place].labels for place in others]
            weights, intercept = fit_one(rows[others], truth)
            columns.append(rows[own] @ weights + intercept)
        judged += [phrases[place] for place in own]
        scores.append(np.stack(columns, axis=1))
    return judged, np.concatenate(scores)


def main(folder: Path = FOLDER) -> None:
    """Print what the thresholds would be, and what they would give."""
    phrases = read_phrases(folder / "phrases" / "train")
    hands = sorted({Path(p.file).stem for p in phrases if p.section in NOW})
    judged, scores = unheard_scores(Reader.from_folder(folder), phrases, hands)
    chances = 1 - np.prod(1 - 1 / (1 + np.exp(-scores)), axis=1)
    danger = np.array([phrase.section in NOW for phrase in judged])
    harmless = np.array([phrase.section == "harmless" for phrase in judged])
    ordered = np.sort(chances[harmless])[::-1]
    for name, share in (("SURE", FALSE_CARDS), ("UNSURE", FALSE_QUESTIONS + FALSE_CARDS)):
        threshold = float(ordered[int(len(ordered) * share)])
        heard = float((chances[danger] > threshold).mean())
        print(f"{name} = {threshold:.2f}: hears {heard:.3f} of danger and self-harm")


if __name__ == "__main__":
    main()
