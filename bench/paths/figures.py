"""What is read from an experiment's JSON, with its unit and whether more is better. Python's standard library alone."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`slack` and `share`: how far a figure may fall behind the recorded one, as a number and as a part of it."""

    key: str
    title: str
    more_is_better: bool
    slack: float
    share: float
    digits: int = 1


PATH = (
    Figure("goodput", "goodput, % of what the path allows", True, 0.5, 0.05),
    Figure("theory", "goodput, % of what theory allows the controller", True, 0.5, 0.05),
    Figure("start", "goodput in slow start, % of what the path allows", True, 0.5, 0.05),
    Figure("retransmitted", "retransmitted, % of segments", False, 0.2, 0.1, 2),
    Figure("spurious", "spurious retransmissions, % of segments", False, 0.1, 0.1, 3),
    Figure("timeouts", "retransmission time-outs", False, 2, 0.2, 0),
    Figure("queue_ms", "mean time in the queue, ms", False, 0.05, 0.1, 2),
)
SHARE = (
    Figure("jain", "Jain's index", True, 0.01, 0.03, 3),
    Figure("goodput", "goodput, % of what the path allows", True, 0.5, 0.03),
    Figure("first_share", "share of the controller named first, %", True, 2, 0.1),
    Figure("retransmitted", "retransmitted, % of segments", False, 0.2, 0.1, 2),
    Figure("spurious", "spurious retransmissions, % of segments", False, 0.1, 0.1, 3),
    Figure("timeouts", "retransmission time-outs", False, 2, 0.2, 0),
)
OUTAGE = (
    Figure("resumed_s", "s until data arrives again", False, 0.1, 0.1, 2),
    Figure("recovered_s", "s until 80 % of the rate before", False, 0.3, 0.2, 2),
)
FIGURES = {"path": PATH, "share": SHARE, "outage": OUTAGE}
LONGEST_S = 60.0  # an outage that bench_paths gave up to watch


def jain(values):
    """Jain, Chiu and Hawe 1984: 1 is equal shares, 1/n is one flow that has all."""
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values)) if any(values) else 0.0


def of_path(cell, told):
    measured, warm_up = (sum(flow[key] for flow in told["flows"]) for key in ("measured_bytes", "warm_up_bytes"))
    rate = measured / told["measured_s"]
    sent = max(1, told["sent_segments"])
    return {
        "goodput": 100 * rate / cell.path.allows,
        "theory": 100 * rate / cell.theory(told["queue_mean_us"]),
        "start": 100 * warm_up / told["warm_up_s"] / cell.path.allows,
        "retransmitted": 100 * told["retransmitted_segments"] / sent,
        "spurious": 100 * told["spurious_segments"] / sent,
        "timeouts": told["timeouts"],
        "queue_ms": told["queue_mean_us"] / 1000,
    }


def of_share(cell, told):
    rates = [flow["measured_bytes"] for flow in told["flows"]]
    first = sum(rate for rate, flow in zip(rates, told["flows"]) if flow["controller"] == cell.flows[0])
    taken = of_path(cell, told)
    return {"jain": jain(rates), "first_share": 100 * first / max(1, sum(rates)),
            **{key: taken[key] for key in ("goodput", "retransmitted", "spurious", "timeouts")}}


def of_outage(_, told):
    return {key: told[key] if told[key] >= 0 else LONGEST_S for key in ("resumed_s", "recovered_s")}


def take(cell, told):
    return {"path": of_path, "share": of_share, "outage": of_outage}[cell.kind](cell, told)


def middle(rounds):
    """The median of each figure over the seeds."""
    return {key: statistics.median(taken[key] for taken in rounds) for key in rounds[0]}


def worst(kind, rounds):
    return {figure.key: (min if figure.more_is_better else max)(taken[figure.key] for taken in rounds)
            for figure in FIGURES[kind]}
