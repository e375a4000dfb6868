"""Kept answers: the newest to each question, until it is too old or no longer asked."""

from insights_exporter.coder.request import Request, Response
from insights_exporter.polling.jobs import ResponseCache

FIRST, SECOND = (Request("/insights/templates", subject=subject) for subject in ("a", "b"))
USERS_OF_FIRST = Request("/insights/user-activity", subject="a")
BOTH = (FIRST, SECOND)


def said(request: Request, text: str = "") -> Response:
    """Give an answer."""
    return Response(request, text.encode())


def test_newest_answer_to_each_question_counts() -> None:
    """An answer that did not come anew stays beside the new ones."""
    kept = ResponseCache(max_age=100)
    kept.renew(BOTH, [said(FIRST, "old"), said(SECOND, "old")], now=0)
    kept.renew(BOTH, [said(FIRST, "new")], now=10)

    assert (said(FIRST, "new"), said(SECOND, "old")) == kept.alive(now=20)


def test_answers_die_of_age() -> None:
    """Each at its own time, which is told in advance."""
    kept = ResponseCache(max_age=100)
    kept.renew(BOTH, [said(FIRST)], now=0)
    kept.renew(BOTH, [said(SECOND)], now=30)

    assert [100, 70, 30] == [kept.next_death(0), kept.next_death(30), kept.next_death(100)]
    assert [2, 1, 0] == [len(kept.alive(now)) for now in (99, 100, 130)]


def test_next_death_without_answers_is_a_whole_life_away() -> None:
    """There is nothing to withdraw sooner."""
    assert 100 == ResponseCache(max_age=100).next_death(5)


def test_answers_to_questions_no_longer_asked_are_forgotten() -> None:
    """A template that is used no more takes its answer with it."""
    kept = ResponseCache(max_age=100)
    kept.renew(BOTH, [said(FIRST), said(SECOND)], now=0)
    kept.renew([SECOND], [], now=1)

    assert (said(SECOND),) == kept.alive(now=2)


def test_questions_about_one_template_are_told_apart() -> None:
    """By their path."""
    kept = ResponseCache(max_age=100)
    kept.renew([FIRST, USERS_OF_FIRST], [said(FIRST, "1"), said(USERS_OF_FIRST, "2")], now=0)

    assert 2 == len(kept.alive(now=1))


def test_beside_new_answers_stand_the_others() -> None:
    """Those still asked for, still alive, and not among the new."""
    kept = ResponseCache(max_age=100)
    kept.renew([*BOTH, USERS_OF_FIRST], [said(FIRST), said(SECOND), said(USERS_OF_FIRST)], now=0)

    assert (said(SECOND),) == kept.beside(BOTH, 50, [said(FIRST, "new")])
    assert () == kept.beside(BOTH, 100, [])
