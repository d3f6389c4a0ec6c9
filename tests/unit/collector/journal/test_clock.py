"""Jumps of the wall clock are noticed; its slow drift is not one."""

from tachograph_collector.journal.clock import ClockWatch


def test_jumps_in_both_directions_are_counted_and_drift_is_not() -> None:
    watch = ClockWatch()
    for wall_s, monotonic_s in ((1000.0, 50.0), (1010.5, 60.0), (1021.0, 70.0)):
        watch.look(wall_s, monotonic_s)
    assert watch.jumps == 0
    watch.look(1021.0 + 3600, 71.0)
    watch.look(1022.0, 72.0)
    assert watch.jumps == 2
