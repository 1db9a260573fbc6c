"""Track record: those who have done such work well go first, while they have room.

The same router in three languages: `rust/` and `js/` beside this folder give the same answers, byte for byte. So all
arithmetic is in whole millionths and becomes `float` at the very end.
"""

from dataclasses import dataclass

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import log
from wit_world.imports.core import Attr, Task
from wit_world.imports.words import (
    Agent,
    Answer,
    Assignment,
    Choice_Assign,
    Decision,
    Factor,
    RouteError_BadConfig,
    RouteError_BadState,
    Score,
    Snapshot,
)

ONE = 1_000_000
"""One, in millionths."""

WEIGHTS = {"record": 60, "room": 30, "focus": 10}
"""What the factors count for in percent, unless the operator's configuration says otherwise."""

FULL = 1000
"""What being full costs, in percent: more than all else can gain, so that the full come last."""

FALLBACKS = 3
"""How many are named for the case that the chosen one is gone."""

U64 = (1 << 64) - 1


class Routing(exports.Routing):
    def route(self, snapshot: Snapshot) -> Answer:
        weights = weights_of(snapshot.config)
        calls = calls_of(snapshot.state)
        workers = [Worker(agent.running, fnv1a(agent.id)) for agent in snapshot.agents]
        decisions = []
        for index, request in enumerate(snapshot.requests):
            candidates = snapshot.candidate_sets[request.candidates]
            assignment = assign(snapshot, weights, request.task, candidates, workers)
            workers[assignment.agent].used += 1
            decisions.append(Decision(index, Choice_Assign(assignment)))
        log.write(log.Level.DEBUG, f"call {calls}: {len(decisions)} decided")
        return Answer(decisions, factors_of(weights), calls.to_bytes(8, "little"))


@dataclass(slots=True)
class Worker:
    """What is kept of an agent while the batch is decided."""

    used: int
    """With what this batch has given it."""
    hash: int


@dataclass(slots=True)
class Entry:
    """One candidate. The values are millionths, the total is hundred-millionths."""

    agent: int
    record: int
    room: int
    focus: int
    full: int
    total: int
    lot: int
    """Decides between equals: another order for each task, and the same whenever this decision is made again."""


def assign(
    snapshot: Snapshot, weights: dict[str, int], task: Task, candidates: list[int], workers: list[Worker]
) -> Assignment:
    wanted = set(task.skills)
    draw = mix(snapshot.seed ^ fnv1a(task.id))
    entries = []
    for index in candidates:
        agent = snapshot.agents[index]
        left = max(0, agent.capacity - workers[index].used)
        record = record_of(agent, wanted)
        room = share(left, agent.capacity)
        focus = focus_of(agent, wanted)
        full = ONE if left == 0 else 0
        gain = record * weights["record"] + room * weights["room"] + focus * weights["focus"]
        lot = mix(draw ^ workers[index].hash)
        entries.append(Entry(index, record, room, focus, full, gain - full * FULL, lot))
    ranked = sorted(entries, key=lambda entry: (-entry.total, -entry.lot, entry.agent))
    best = ranked[0]
    return Assignment(
        agent=best.agent,
        fallbacks=[entry.agent for entry in ranked[1 : 1 + FALLBACKS]],
        scores=[score_of(entry, best.agent) for entry in entries],
        reason=(
            f"{snapshot.agents[best.agent].id} leads {len(entries)}{', all full' if best.full else ''}: "
            f"record {best.record // 10_000} %, room {best.room // 10_000} %, focus {best.focus // 10_000} %"
        ),
    )


def record_of(agent: Agent, wanted: set[str]) -> int:
    """How much of the agent's work on the task's skills was accepted; on all skills if the task names none.

    Two finished attempts are made up, one of them accepted: who has done nothing yet is worth a half.
    """
    accepted, all = 1, 2
    for stats in agent.stats:
        if not wanted or stats.skill in wanted:
            accepted += stats.accepted
            all += stats.accepted + stats.refused + stats.failed
    return share(accepted, all)


def focus_of(agent: Agent, wanted: set[str]) -> int:
    """How much of what the agent can do this task wants: specialists before generalists."""
    return share(sum(skill in wanted for skill in agent.skills), len(agent.skills))


def share(part: int, whole: int) -> int:
    """In millionths, rounded down; of nothing, nothing."""
    return part * ONE // whole if whole else 0


def fnv1a(text: str) -> int:
    """FNV-1a over UTF-8."""
    hash = 0xCBF29CE484222325
    for byte in text.encode():
        hash = (hash ^ byte) * 0x100000001B3 & U64
    return hash


def mix(z: int) -> int:
    """The finisher of SplitMix64."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & U64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & U64
    return z ^ (z >> 31)


def score_of(entry: Entry, chosen: int) -> Score:
    values = (entry.record, entry.room, entry.focus, entry.full)
    return Score(
        agent=entry.agent,
        total=entry.total / 1e8,
        propensity=1.0 if entry.agent == chosen else 0.0,
        values=[value / 1e6 for value in values],
        forecast=None,
    )


def factors_of(weights: dict[str, int]) -> list[Factor]:
    return [Factor(name, weight / 100) for name, weight in {**weights, "full": -FULL}.items()]


def weights_of(config: list[Attr]) -> dict[str, int]:
    """What is raised is the error arm of `route`."""
    given = {attr.name: attr.value for attr in config}
    weights = dict(WEIGHTS)
    for name in WEIGHTS:
        text = given.get(name)
        if text is None:
            continue
        digits = len(text) <= 3 and text.isascii() and text.isdigit()
        if not digits or int(text) > 100:
            why = f"is `{text}`, expected a whole percentage from 0 to 100"
            raise Err(RouteError_BadConfig(Attr(name, why)))
        weights[name] = int(text)
    return weights


def calls_of(state: bytes) -> int:
    """How many calls there were, with this one: eight bytes, the lowest first."""
    if not state:
        return 1
    if len(state) != 8:
        raise Err(RouteError_BadState(f"{len(state)} bytes, expected 8"))
    return int.from_bytes(state, "little") + 1 & U64
