"""The published releases, as every process sees them."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from bot.content.blocks import block_lines
from bot.content.checks import check_files, check_release
from bot.content.countries import production_problems
from bot.content.problems import Problem
from bot.content.release import Release, fingerprint, load
from bot.content.texts import Class
from bot.content.yaml_file import Files
from bot.dialogue.stopping import stopped_within
from bot.domain.facts import Block, Mode
from bot.domain.messages import Shown
from bot.domain.text import Language, LanguageInfo, Line, Text, Words
from bot.engine.graph import Graph
from bot.engine.received import Action
from bot.errors import CorruptStateError, StoreUnavailableError

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 1.0
"""How often a process looks for a newer release; design section 5 allows two seconds."""

MOST_KNOWN = 8
"""Releases in memory, some ten megabytes each. Another one that a conversation still needs takes
about a second to load."""


class Bundles(Protocol):
    """Where the files of published releases are kept."""

    async def newest(self) -> int:
        """The number of the newest release; 0 when there is none."""
        ...

    async def fetch(self, number: int) -> Files | None:
        """The files of a release.

        Raises:
            CorruptStateError: what is kept under the number is damaged.
        """
        ...

    async def publish(self, number: int, files: Files) -> bool:
        """Keep `files` as release `number`; False when that number is taken."""
        ...

    async def need(self, numbers: Iterable[int]) -> None:
        """Note that these releases are needed now."""
        ...


class BadContentError(Exception):
    """Files that cannot become a release, with all that is wrong with them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class PublishedContent:
    """A release together with what deployment and day add to it.

    `values` fill placeholders that are the same in every conversation.
    """

    release: Release
    graph: Graph
    """Where a conversation goes; it offers the same languages as this does."""

    languages: Mapping[Language, LanguageInfo]
    """The languages that are offered: in production only those that are verified."""

    mode: Mode
    today: Callable[[], date]
    values: Mapping[str, str | Text] = field(default_factory=dict[str, str | Text])

    @property
    def number(self) -> int:
        """The number under which it was published."""
        return self.release.number

    def words(self, sentence: Text, language: Language) -> Words:
        """A sentence in `language`, or in English where it is not translated."""
        found = self.release.words(sentence, language)
        words = self.release.filled(found.words, self.values, language, found.language)
        return Words(words, found.language)

    def pinned(self, sentence: Text) -> bool:
        """Whether a conversation that began with this release keeps its wording.

        Texts that people rely on are always read from the current release instead.
        """
        source = self.release.sources.get(sentence.key)
        return source is not None and source.kind is Class.WORDING

    def lines(self, shown: Shown, language: Language) -> Sequence[Line]:
        """A block of facts, as it may be shown today."""
        country = self.release.countries.get(shown.country) if shown.country else None
        return block_lines(
            Block(shown.block),
            country.facts if country else None,
            self.release.fallback.facts,
            self.mode,
            self.today(),
            language,
            beside=tuple(map(Block, shown.beside)),
        )

    def code_words(self, language: Language) -> Sequence[str]:
        """The words of which one is agreed on with a return code."""
        return self.release.code_words(language)

    def heard(self, words: str) -> tuple[Action, ...]:
        """What the rules for exits find in typed words, the most urgent first."""
        return self.release.exits.heard(words)


def published(
    release: Release, mode: Mode, today: Callable[[], date], values: Mapping[str, str | Text]
) -> PublishedContent:
    """`release` as it is used in `mode`."""
    offered = {
        language: info
        for language, info in release.languages.items()
        if info.verified or mode is Mode.DEMONSTRATION
    }
    levels = {language: release.graph.languages[language] for language in offered}
    return PublishedContent(
        release=release,
        graph=replace(release.graph, languages=levels),
        languages=offered,
        mode=mode,
        today=today,
        values=values,
    )


class Shelf:
    """Knows the current release and fetches older ones for conversations that began with them."""

    def __init__(
        self,
        bundles: Bundles,
        *,
        mode: Mode,
        today: Callable[[], date],
        values: Mapping[str, str | Text],
    ) -> None:
        self._bundles = bundles
        self._mode = mode
        self._today = today
        self._values = values
        self._known: OrderedDict[int, PublishedContent] = OrderedDict()
        """The ones used last; the one used longest ago comes first."""

        self._unreadable: set[int] = set()
        """Tried once: a number stands for the same files for ever."""

        self._newest = 0
        self._loading = asyncio.Lock()

    def current(self) -> PublishedContent:
        """The newest release that this process has loaded."""
        return self._known[self._newest]

    async def numbered(self, number: int) -> PublishedContent:
        """The release of that number; the current one, where that one cannot be read any more.

        A program that was upgraded may refuse what an older one published, and a database may be
        damaged: a conversation goes on all the same.
        """
        if not await self._can_read(number):
            return self.current()
        self._known.move_to_end(number)
        return self._known[number]

    async def _can_read(self, number: int) -> bool:
        """Whether that release is in memory, and if not, can be brought there."""
        if number not in self._known:
            # One at a time: everybody who waits may want the same one.
            async with self._loading:
                if number not in self._known and number not in self._unreadable:
                    await self._try_to_load(number)
        return number in self._known

    async def _try_to_load(self, number: int) -> None:
        try:
            await self._load(number)
        except CorruptStateError:
            log.exception("release_unreadable", extra={"release": number})
            self._unreadable.add(number)

    async def _load(self, number: int) -> None:
        files = await self._bundles.fetch(number)
        # In a thread: it takes a second, and meanwhile others are answered.
        loaded = await asyncio.to_thread(load, files, number) if files is not None else None
        if loaded is None or loaded.release is None:
            raise CorruptStateError("a release is missing or unreadable")
        self._know(loaded.release)

    def _know(self, release: Release) -> None:
        self._known[release.number] = published(release, self._mode, self._today, self._values)
        if len(self._known) > MOST_KNOWN:
            del self._known[next(number for number in self._known if number != self._newest)]

    async def publish(self, files: Files) -> int:
        """Make `files` the current release, unless they are it already; its number.

        Raises:
            BadContentError: the files have problems. What was current stays current.
        """
        while True:
            newest = await self._bundles.newest()
            if newest and await self._is(newest, files):
                await self.catch_up()
                if self._newest == newest:
                    return newest
            loaded = load(files, newest + 1)
            if loaded.release is None:
                raise BadContentError(check_files(files, today=self._today()).problems)
            problems = check_release(loaded.release, files, today=self._today())
            if problems:
                raise BadContentError(problems)
            if await self._bundles.publish(newest + 1, files):
                self._know(loaded.release)
                self._newest = newest + 1
                return self._newest

    async def _is(self, number: int, files: Files) -> bool:
        """Whether that release consists of `files`."""
        try:
            found = await self._bundles.fetch(number)
        except CorruptStateError:
            return False  # damaged: what is in the folder takes its place
        return found is not None and fingerprint(found) == fingerprint(files)

    @property
    def ready(self) -> bool:
        """Whether there is a current release."""
        return self._newest in self._known

    async def catch_up(self) -> None:
        """Load the newest release. A release that cannot be read leaves the current one."""
        newest = await self._bundles.newest()
        if newest in {0, self._newest}:
            return
        if await self._can_read(newest):
            self._newest = newest
        elif self.ready:
            # Conversations still begin with it here, whatever the others do.
            await self._bundles.need((self._newest,))

    def unverified(self) -> list[Problem]:
        """What production may not start without: verified numbers, and a verified language."""
        content = self.current()
        problems = [
            problem
            for country in content.release.countries.values()
            for problem in production_problems(country, self._today())
        ]
        if not content.languages:
            problems.append(
                Problem(
                    "locales",
                    1,
                    "language:none-verified",
                    "No language is verified, so there is none in which people can be answered.",
                    "Let a native speaker review a language, and set its status to `verified`.",
                )
            )
        return sorted(problems)

    async def follow(self, stop: asyncio.Event) -> None:
        """Keep up with releases that other processes publish, until `stop`."""
        while not stop.is_set():
            try:
                await self.catch_up()
            except StoreUnavailableError:
                log.warning("releases_not_followed")
            await stopped_within(stop, FOLLOW_SECONDS)
