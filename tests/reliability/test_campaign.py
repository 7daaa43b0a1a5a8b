"""Campaigns by hand, against a plain step-by-step player, and the laws they keep."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import RunError
from simulator.reliability import campaign as campaign_module
from simulator.reliability.campaign import Campaign, play
from simulator.reliability.nodes import node_group

#: So sharp a Weibull that every node lives its mean time, to a millionth: campaigns can be followed by hand.
CLOCKWORK = 1e7
NEVER = 1e15


def outcome(**changes):
    fields = {"work": 150.0, "intervals": 3, "stall": 10.0, "drain": 0.0, "restart": 20.0, "mtbf": 100.0, "critical": 1}
    return play(Campaign(**{**fields, **changes}), trials=2, seed=0)


def found(result):
    assert np.ptp(result.times) < 1e-3
    numbers = (result.times, result.failures, result.outages, result.lost)
    return tuple(round(float(values[0]), 3) for values in numbers)


def test_two_failures_by_hand():
    # 60: saved. 100: fails, 40 lost. 120: goes on. 180: saved. 200: fails, 20 lost. 220: goes on. 280: all is saved.
    assert found(outcome(shape=CLOCKWORK)) == (280.0, 2, 0, 60.0)


def test_a_drain_that_ends_before_the_failure_by_hand():
    # As above; the checkpoint of 180 is safe at 195, the last one at 295.
    assert found(outcome(shape=CLOCKWORK, drain=15.0)) == (295.0, 2, 0, 60.0)


def test_a_failure_during_a_drain_loses_the_checkpoint_by_hand():
    # 120: taken, safe at 135. 130: fails, 10 + 50 lost. 150. 210: taken. 260: fails, 50 lost. 280. 340. 355: safe.
    assert found(outcome(shape=CLOCKWORK, drain=15.0, mtbf=130.0)) == (355.0, 2, 0, 110.0)


def test_a_failure_in_the_last_drain_by_hand():
    # 180: the last one is taken, safe at 210. 200: fails, 50 lost. 220. 280: taken. 310: safe.
    assert found(outcome(shape=CLOCKWORK, drain=30.0, mtbf=200.0)) == (310.0, 1, 0, 50.0)


def test_a_failure_while_a_checkpoint_is_written_loses_the_whole_interval_by_hand():
    # Every 95 s: 60: saved. 95: fails, 35 lost. 100. 160: saved, before 190.
    changes = {"work": 100.0, "intervals": 2, "restart": 5.0}
    assert found(outcome(shape=CLOCKWORK, mtbf=95.0, **changes)) == (160.0, 1, 0, 35.0)
    # Every 115 s: 60: saved. 115: fails in the second stall, 50 lost. 120. 180: saved.
    assert found(outcome(shape=CLOCKWORK, mtbf=115.0, **changes)) == (180.0, 1, 0, 50.0)


SPARES = {"shape": CLOCKWORK, "mtbf": 1000.0, "work": 1500.0, "repair": 300.0, "restart": 100.0}


def test_without_spares_every_failure_waits_for_the_repair_by_hand():
    # 510. 1000: fails, 490 lost; repaired at 1300. 1400. 1910. 2000: fails, 90 lost. 2300. 2400. 2910.
    assert found(outcome(**SPARES, spares=0)) == (2910.0, 2, 0, 580.0)


def test_a_spare_replaces_a_node_at_once_and_the_repaired_one_is_the_next_spare_by_hand():
    # 510. 1000: fails. 1100. 1610. 2000: fails, 390 lost; the first was repaired at 1300. 2100. 2610.
    assert found(outcome(**SPARES, spares=1)) == (2610.0, 2, 0, 880.0)


def test_a_spare_that_is_still_in_repair_is_waited_for_by_hand():
    # As before, but the node that failed at 1000 is there at 2200: 2300. 2810.
    assert found(outcome(**{**SPARES, "repair": 1200.0}, spares=1)) == (2810.0, 2, 0, 880.0)


def test_work_goes_on_without_a_replaceable_node_by_hand():
    # 100 done at 100. Half as fast until 150: 125. Whole until 175, and 10 for the checkpoint.
    changes = {"critical": 0, "replaceable": 1, "share": 0.5, "restart": 50.0, "intervals": 1}
    assert found(outcome(shape=CLOCKWORK, **changes)) == (185.0, 0, 1, 0.0)


def test_nothing_is_done_while_the_only_worker_is_away_by_hand():
    changes = {"critical": 0, "replaceable": 1, "share": 1.0, "restart": 50.0, "intervals": 1}
    assert found(outcome(shape=CLOCKWORK, **changes)) == (210.0, 0, 1, 0.0)


@pytest.mark.parametrize("shape", [None, 0.7], ids=["exponential", "weibull"])
def test_no_failures_leave_the_work_and_its_checkpoints(shape):
    result = outcome(mtbf=NEVER, drain=7.0, shape=shape)
    assert result.times == pytest.approx(150.0 + 3 * 10.0 + 7.0)
    assert not result.failures.any()
    assert not result.lost.any()


def test_the_same_seed_plays_the_same_and_another_one_does_not():
    fields = {
        "work": 1000.0,
        "intervals": 10,
        "stall": 5.0,
        "drain": 2.0,
        "restart": 20.0,
        "mtbf": 900.0,
        "critical": 3,
    }
    first, again, other = (play(Campaign(**fields), 50, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.times, again.times)
    assert np.array_equal(first.lost, again.lost)
    assert not np.array_equal(first.times, other.times)


def test_what_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(campaign_module, "MOST_EVENTS", 500)
    with pytest.raises(RunError, match="campaigns have not ended after 500"):
        outcome(mtbf=1.0)


def test_progress_is_told_and_rises():
    told = []
    play(Campaign(5e4, 500, 1.0, 0.0, 5.0, 300.0, 1), 100, 0, told.append)
    assert told
    assert told == sorted(told)
    assert told[0] >= 0.0
    assert told[-1] <= 1.0


@given(
    intervals=st.integers(1, 12),
    stall=st.floats(0.1, 20.0),
    restart=st.floats(0.0, 50.0),
    drained=st.floats(0.0, 1.0),
    critical=st.integers(0, 3),
    replaceable=st.integers(0, 4),
    shape=st.sampled_from([None, 0.6, 2.0]),
    spares=st.sampled_from([None, 0, 1, 3]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_time_is_never_less_than_the_work_and_its_checkpoints(
    intervals, stall, restart, drained, critical, replaceable, shape, spares, seed
):
    work = 600.0
    drain = drained * (work / intervals)
    campaign = Campaign(
        work, intervals, stall, drain, restart, 4000.0, critical, replaceable, 0.2, shape, spares, repair=100.0
    )
    result = play(campaign, 20, seed)
    undisturbed = work + intervals * stall + drain
    assert (result.times >= undisturbed * (1 - 1e-12)).all()
    calm = (result.failures == 0) & (result.outages == 0)
    assert result.times[calm] == pytest.approx(undisturbed)
    assert (result.lost[result.failures == 0] == 0).all()
    # Whatever was done twice, waited for or done with fewer nodes, took time.
    if not replaceable:
        assert (result.times >= undisturbed + result.lost + (result.failures > 0) * restart - 1e-6).all()


class Plain:
    """One campaign, second by event, node by node, checkpoint by checkpoint: slow, and nothing shared with `play`."""

    def __init__(self, campaign, generator):
        self.campaign, self.generator = campaign, generator
        nodes = campaign.critical + campaign.replaceable
        self.dies = [self.life() for _ in range(nodes)]
        self.returns = [math.inf] * nodes
        self.pool = [-math.inf] * (campaign.spares or 0)  # when each spare can be used

    def life(self):
        mtbf, shape = self.campaign.mtbf, self.campaign.shape
        if shape is None:
            return self.generator.exponential(mtbf)
        return self.generator.weibull(shape) * mtbf / math.gamma(1 + 1 / shape)

    def replacement(self, now):
        if self.campaign.spares is None:
            return now
        self.pool.append(now + self.campaign.repair)
        self.pool.sort()
        return max(now, self.pool.pop(0))

    def run(self):
        campaign = self.campaign
        now, safe, taken, taken_at, done, stalled, resumes = 0.0, 0, 0, 0.0, 0.0, 0.0, 0.0
        interval = campaign.work / campaign.intervals
        while True:
            if taken > safe and now >= taken_at + campaign.drain - 1e-9:
                safe = taken
            if safe == campaign.intervals:
                return now
            down = sum(math.isfinite(back) for back in self.returns)
            rate = 1.0 - campaign.share * down
            options = {"die": min(self.dies), "back": min(self.returns)}
            if taken > safe:
                options["safe"] = taken_at + campaign.drain
            if now < resumes - 1e-9:
                options["resume"] = resumes
            elif taken < campaign.intervals and rate > 0:
                left = (interval - done) / rate if done < interval else campaign.stall - stalled
                options["step"] = now + max(left, 0.0)
            kind = min(options, key=options.get)
            passed, now = options[kind] - now, options[kind]
            running = now - passed >= resumes - 1e-9 and taken < campaign.intervals and rate > 0
            if running and done < interval:
                done = interval if kind == "step" else done + passed * rate
            elif running:
                stalled += passed
                if kind == "step":
                    taken, taken_at, done, stalled = taken + 1, now, 0.0, 0.0
            if kind == "back":
                node = self.returns.index(now)
                self.returns[node], self.dies[node] = math.inf, now + self.life()
            if kind == "die":
                node = self.dies.index(now)
                back = self.replacement(now) + campaign.restart
                if node < campaign.critical:
                    if taken > safe and now >= taken_at + campaign.drain:
                        safe = taken
                    taken, done, stalled, resumes = safe, 0.0, 0.0, back
                    self.dies[node] = now + self.life()
                else:
                    self.dies[node], self.returns[node] = math.inf, back


CASES = {
    "rollback": {},
    "asynchronous": {"drain": 40.0},
    "spares": {"spares": 1, "repair": 400.0},
    "no-spares": {"spares": 0, "repair": 60.0},
    "weibull": {"shape": 0.7},
    "going-on": {"critical": 1, "replaceable": 4, "share": 0.2},
    "going-on-with-spares": {
        "critical": 1,
        "replaceable": 4,
        "share": 0.2,
        "spares": 1,
        "repair": 300.0,
        "drain": 20.0,
    },
    "going-on-weibull": {"critical": 1, "replaceable": 4, "share": 0.25, "shape": 1.5, "spares": 0, "repair": 100.0},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_campaigns_are_those_of_the_plain_player(changes):
    fields = {
        "work": 1000.0,
        "intervals": 10,
        "stall": 5.0,
        "drain": 0.0,
        "restart": 30.0,
        "mtbf": 1500.0,
        "critical": 4,
    }
    campaign = Campaign(**{**fields, **changes})
    generator = np.random.default_rng(5)
    plain = np.array([Plain(campaign, generator).run() for _ in range(1500)])
    fast = play(campaign, 20_000, seed=9)
    error = math.hypot(fast.mean_error, plain.std(ddof=1) / math.sqrt(len(plain)))
    assert abs(fast.times.mean() - plain.mean()) < 4.0 * error
    # Not the means alone: the spread of the times is the same, too.
    for share in (0.25, 0.5, 0.75, 0.9):
        below = (plain <= np.quantile(fast.times, share) + 1e-6).mean()
        above = (plain < np.quantile(fast.times, share) - 1e-6).mean()
        width = 4.0 * math.sqrt(share * (1 - share) / len(plain))
        assert above - width <= share <= below + width


@pytest.mark.parametrize("nodes", [0, 1, 2, 3, 7, 16, 50])
def test_weibull_nodes_fail_in_the_order_of_their_lives_and_come_back_anew(nodes):
    """However they lie in blocks: taken down one by one, N nodes fail N times, later and later; then none is left."""
    group = node_group(5, nodes, 100.0, 0.7, np.random.default_rng(1))
    rows, last = np.arange(5), np.zeros(5)
    for down in range(nodes):
        assert (group.next_failure >= last).all()
        assert np.isfinite(group.next_failure).all()
        assert (group.down == down).all()
        last = group.next_failure.copy()
        group.fail(rows, last)
    assert np.isinf(group.next_failure).all()
    if nodes:
        group.come_back(rows[:2], last[:2])
        assert (group.next_failure[:2] > last[:2]).all()
        assert np.isinf(group.next_failure[2:]).all()


@pytest.mark.parametrize("shape", [None, 0.5, 3.0], ids=["exponential", "half", "three"])
def test_first_failures_of_groups_have_the_mean_of_the_least_of_so_many_lives(shape):
    # The least of N Weibull lives is Weibull of the same shape with its mean divided by N^(1/shape).
    nodes, mtbf = 12, 100.0
    first = node_group(40_000, nodes, mtbf, shape, np.random.default_rng(2)).next_failure
    expected = mtbf / nodes ** (1.0 / (shape or 1.0))
    assert abs(first.mean() - expected) < 4.0 * first.std() / math.sqrt(len(first))
