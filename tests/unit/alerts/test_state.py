"""The life of an incident, step by step and for any sequence of readings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tachograph_evaluators.alerts.conditions import Reading, Threshold, Verdict, Window
from tachograph_evaluators.alerts.metrics import metric_named
from tachograph_evaluators.alerts.rules import NoData, Rule, Segment
from tachograph_evaluators.alerts.state import (
    Event,
    Notice,
    State,
    Step,
    abandon,
    advance,
    delivery_id,
)
from tachograph_store.rows import IncidentRow

START = datetime(2026, 11, 3, 12, tzinfo=UTC)
CONDITION = Threshold(
    comparison="below", threshold=0.7, resolve_threshold=0.8, window_s=300, min_samples=5
)
RULE = Rule(
    name="Grounding fell",
    project="shop",
    metric=metric_named("score:grounding"),
    condition=CONDITION,
    segment=Segment(model="llama"),
)
VALUES = {
    Verdict.BREACHED: 0.4,
    Verdict.BETWEEN: 0.75,
    Verdict.CLEAR: 0.9,
    Verdict.NO_DATA: None,
}


class Life:
    """A rule's incident, kept as the store keeps it."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.row: IncidentRow | None = None
        self.notices: list[tuple[float, Notice]] = []

    def at(self, seconds: float, verdict: Verdict) -> Step:
        now = START + timedelta(seconds=seconds)
        window = Window(now - timedelta(seconds=300), now)
        reading = Reading(value=VALUES[verdict], samples=10, window=window)
        step = advance(self.rule, self.row, verdict, reading, now)
        self.row = step.incident or self.row
        if step.notice is not None:
            self.notices.append((seconds, step.notice))
        return step

    @property
    def state(self) -> str | None:
        return None if self.row is None else self.row.state

    def told(self) -> list[tuple[float, Event]]:
        return [(seconds, notice.event) for seconds, notice in self.notices]


def test_fires_at_once_without_a_pending_time() -> None:
    life = Life(RULE)
    assert life.at(0, Verdict.CLEAR) == Step()
    life.at(10, Verdict.BREACHED)
    assert life.row is not None
    assert (life.row.state, life.row.value, life.row.threshold) == (State.FIRING, 0.4, 0.7)
    assert life.row.pending_at == life.row.fired_at == life.row.notified_at
    assert life.row.segment == "model=llama"
    assert "score:grounding is 0.4 from 10 samples (fires below 0.7 over 300 s)" in life.row.summary
    life.at(20, Verdict.CLEAR)
    assert life.state == State.RESOLVED
    assert life.told() == [(10, Event.FIRING), (20, Event.RESOLVED)]


def test_pending_comes_first_and_is_withdrawn_silently() -> None:
    life = Life(replace(RULE, for_s=30))
    for seconds, verdict, state in [
        (0, Verdict.BREACHED, State.PENDING),
        (29, Verdict.BREACHED, State.PENDING),
        (30, Verdict.BETWEEN, State.RESOLVED),
        (40, Verdict.BREACHED, State.PENDING),
        (69, Verdict.BREACHED, State.PENDING),
        (70, Verdict.BREACHED, State.FIRING),
    ]:
        life.at(seconds, verdict)
        assert life.state == state
    assert life.told() == [(70, Event.FIRING)]


def test_an_incident_that_never_fired_gives_its_id_to_the_next() -> None:
    life = Life(replace(RULE, for_s=30))
    ids = []
    for seconds, verdict in [(0, Verdict.BREACHED), (10, Verdict.CLEAR), (20, Verdict.BREACHED)]:
        life.at(seconds, verdict)
        assert life.row is not None
        ids.append(life.row.incident_id)
    assert len(set(ids)) == 1
    assert life.row is not None and life.row.resolved_at is None


def test_hysteresis_and_the_time_to_resolve() -> None:
    life = Life(replace(RULE, resolve_after_s=60))
    life.at(0, Verdict.BREACHED)
    for seconds, verdict in [
        (10, Verdict.CLEAR),
        (60, Verdict.CLEAR),
        (65, Verdict.BETWEEN),
        (70, Verdict.CLEAR),
        (129, Verdict.CLEAR),
    ]:
        life.at(seconds, verdict)
        assert life.state == State.FIRING
    life.at(130, Verdict.CLEAR)
    assert life.row is not None
    assert life.row.state == State.RESOLVED
    assert life.row.resolved_at == START + timedelta(seconds=70), "clear since then"
    assert life.told() == [(0, Event.FIRING), (130, Event.RESOLVED)]


def test_reminders_come_by_the_clock_not_by_the_evaluation() -> None:
    life = Life(replace(RULE, renotify_s=60))
    for seconds in range(0, 200, 5):
        life.at(seconds, Verdict.BREACHED)
    assert life.told() == [(at, Event.FIRING) for at in (0, 60, 120, 180)]
    assert [notice.is_reminder for _, notice in life.notices] == [False, True, True, True]
    ids = {delivery_id(life.row, notice, "hook") for _, notice in life.notices if life.row}
    assert len(ids) == 4


def test_no_reminders_unless_asked_for_nor_once_acknowledged() -> None:
    silent = Life(RULE)
    acknowledged = Life(replace(RULE, renotify_s=60))
    for life in (silent, acknowledged):
        life.at(0, Verdict.BREACHED)
    assert acknowledged.row is not None
    acknowledged.row = replace(acknowledged.row, acknowledged_by="ann")
    for life in (silent, acknowledged):
        for seconds in range(60, 600, 60):
            life.at(seconds, Verdict.BREACHED)
        assert life.told() == [(0, Event.FIRING)]
    assert acknowledged.row.acknowledged_by == "ann"


def test_no_data_by_policy() -> None:
    for policy, after_silence in (
        (NoData.IGNORE, State.FIRING),
        (NoData.FIRING, State.FIRING),
        (NoData.RESOLVED, State.RESOLVED),
    ):
        life = Life(replace(RULE, no_data=policy))
        life.at(0, Verdict.NO_DATA)
        assert life.state == (State.FIRING if policy is NoData.FIRING else None)
        life.at(10, Verdict.BREACHED)
        life.at(20, Verdict.NO_DATA)
        assert life.state == after_silence


def test_a_rule_that_is_gone_closes_its_incident() -> None:
    life = Life(RULE)
    life.at(0, Verdict.BREACHED)
    assert life.row is not None
    closed = abandon(life.row, START + timedelta(seconds=9))
    assert (closed.state, closed.resolved_at) == (State.RESOLVED, START + timedelta(seconds=9))
    assert "no longer in the rule file" in closed.summary


def test_ids_follow_from_the_store_not_from_the_clock() -> None:
    twins = [Life(RULE), Life(RULE)]
    for late, life in enumerate(twins):
        life.at(10 + late, Verdict.BREACHED)
        life.at(20 + late, Verdict.CLEAR)
        life.at(30 + late, Verdict.BREACHED)
    rows = [life.row for life in twins]
    assert rows[0] is not None and rows[1] is not None
    assert rows[0].incident_id == rows[1].incident_id
    for (_, one), (_, other) in zip(twins[0].notices, twins[1].notices, strict=True):
        assert delivery_id(rows[0], one, "hook") == delivery_id(rows[1], other, "hook")
    assert delivery_id(rows[0], one, "hook") != delivery_id(rows[0], one, "other hook")
    other_project = Life(replace(RULE, project="bank"))
    other_project.at(10, Verdict.BREACHED)
    assert other_project.row is not None
    assert other_project.row.incident_id != rows[0].incident_id


rules = st.builds(
    lambda for_s, resolve_after_s, renotify_s, no_data: replace(
        RULE,
        for_s=for_s,
        resolve_after_s=resolve_after_s,
        renotify_s=renotify_s,
        no_data=no_data,
    ),
    for_s=st.sampled_from([0.0, 15.0, 60.0]),
    resolve_after_s=st.sampled_from([0.0, 15.0, 60.0]),
    renotify_s=st.sampled_from([None, 20.0, 90.0]),
    no_data=st.sampled_from(NoData),
)
histories = st.lists(st.tuples(st.integers(1, 40), st.sampled_from(Verdict)), max_size=60)


@given(rules, histories)
def test_whatever_happens(rule: Rule, history: list[tuple[int, Verdict]]) -> None:
    """Told firing before resolved, in turn; never twice the same; never sooner than asked."""
    life = Life(rule)
    seconds = 0
    bad_since: int | None = None
    seen: set[str] = set()
    told: dict[str, list[Notice]] = {}
    for pause, verdict in history:
        seconds += pause
        before = life.row
        step = life.at(seconds, verdict)
        is_bad = verdict is Verdict.BREACHED or (
            verdict is Verdict.NO_DATA and rule.no_data is NoData.FIRING
        )
        bad_since = (bad_since if bad_since is not None else seconds) if is_bad else None
        if step.incident is None:
            assert step.notice is None
            continue
        assert step.incident.version == 0, "the writer gives versions"
        if before is not None and before.state != State.RESOLVED:
            assert step.incident.incident_id == before.incident_id
        if step.incident.state == State.FIRING:
            assert step.incident.fired_at is not None
        if step.notice is None:
            continue
        incident_notices = told.setdefault(step.incident.incident_id, [])
        incident_notices.append(step.notice)
        identity = delivery_id(step.incident, step.notice, "hook")
        assert identity not in seen
        seen.add(identity)
        if step.notice.event is Event.FIRING and not step.notice.is_reminder:
            assert bad_since is not None and seconds - bad_since >= rule.for_s
        if step.notice.is_reminder:
            assert rule.renotify_s is not None
            assert before is not None and before.notified_at is not None
            waited = START + timedelta(seconds=seconds) - before.notified_at
            assert waited >= timedelta(seconds=rule.renotify_s)
    for notices in told.values():
        assert notices[0].event is Event.FIRING and not notices[0].is_reminder
        assert all(notice.is_reminder for notice in notices[1:] if notice.event is Event.FIRING)
        assert [notice.event for notice in notices].count(Event.RESOLVED) <= 1
        assert Event.RESOLVED not in [notice.event for notice in notices[:-1]]
