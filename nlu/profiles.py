"""langdetect's letter profiles, scored once.

langdetect itself draws letters at random, seven times, and counts the votes; the same text can get
another answer, and seven votes look like certainty. Its profiles are good: here every run of
letters counts once, and the same text always gets the same numbers. Only the profiles of the
languages that we know are loaded. There is none for Serbian.
"""

# pyright: basic, reportPrivateUsage=false
# langdetect has no types.

import math
from functools import cached_property
from pathlib import Path

import langdetect
from langdetect.detector import Detector
from langdetect.detector_factory import DetectorFactory

_ALPHA = 0.5
_ALSO_LIKELY = _ALPHA / Detector.BASE_FREQ
"""What a run of letters that a profile does not know still counts, as in langdetect."""

MOST_CHARACTERS = 400


class Profiles:
    """The profiles of the given languages."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        folder = Path(langdetect.__file__).parent / "profiles"
        self.languages = tuple(one for one in languages if (folder / one).is_file())
        self._folder = folder

    @cached_property
    def _factory(self) -> DetectorFactory:
        factory = DetectorFactory()
        factory.load_json_profile(
            [(self._folder / one).read_text("utf-8") for one in self.languages]
        )
        return factory

    def scores(self, text: str) -> dict[str, float]:
        """How well the letters of `text` fit each language: mean logarithms, the best one 0.

        Empty where no letter is known.
        """
        detector = self._factory.create()
        detector.append(text[:MOST_CHARACTERS].lower())
        detector.cleaning_text()
        runs = detector._extract_ngrams()  # noqa: SLF001 - its own way of cutting, without its dice
        if not runs:
            return {}
        sums = [0.0] * len(self.languages)
        for run in runs:
            for place, chance in enumerate(self._factory.word_lang_prob_map[run]):
                sums[place] += math.log(_ALSO_LIKELY + chance)
        best = max(sums)
        return {
            language: (total - best) / len(runs) for language, total in zip(self.languages, sums)
        }
