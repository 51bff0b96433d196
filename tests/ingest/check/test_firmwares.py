"""Every faulty firmware is named by the right code and no other; the good ones have no finding."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest.check import RULES
from ingest.check.rules import OWN
from purna.core.texts import LANGUAGES, render
from tests.ingest.check import faulty, good
from tests.ingest.check.rig import Rig, rig


@pytest.mark.parametrize("case", faulty.FIRMWARES, ids=lambda case: case.work.__name__)
def test_a_fault_is_named_by_its_code(case: faulty.Faulty) -> None:
    with rig() as one:
        case.work(one)
        broken = one.broken()
    assert broken.keys() == {case.code, *case.also}
    grade = broken[case.code]
    assert grade.count >= 1
    for language in LANGUAGES:
        text = render(grade.text_code, language, **grade.params)
        assert "{" not in text.replace(grade.excerpt, "")
        assert text != grade.text_code


@pytest.mark.parametrize("work", good.FIRMWARES, ids=lambda work: work.__name__)
def test_a_good_firmware_has_no_finding(work: Callable[[Rig], None]) -> None:
    with rig() as one:
        work(one)
        assert one.broken() == {}
        assert one.check.messages > 20


def test_there_are_enough_of_both() -> None:
    assert len({case.code for case in faulty.FIRMWARES}) >= 20
    assert len(good.FIRMWARES) >= 20


def test_every_rule_of_the_checks_own_has_a_firmware_that_breaks_it() -> None:
    assert OWN.keys() <= {case.code for case in faulty.FIRMWARES} <= RULES.keys()
