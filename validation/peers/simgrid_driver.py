"""Plays one experiment on SimGrid: JSON on standard input, JSON on standard output.

Run by any Python that has SimGrid's bindings (written for 3.32), as a script; it imports nothing but those and the
standard library, so that the interpreter need not have anything else of this project.

    python3 simgrid_driver.py --version       prints {"simgrid": "3.32.0", "python": "3.11.2"}
    python3 simgrid_driver.py < experiment    prints {"end": seconds, "messages": {name: [[start, end], ...]}}

An experiment has the keys

`config`
    SimGrid's configuration: `{"network/optim": "Full", ...}`.
`hosts`
    Names.
`links`
    `{name: [bandwidth in B/s, latency in s]}`; each is shared by all flows that cross it, in whichever direction.
`routes`
    `[source host, target host, [links]]`, in that direction only.
`actors`
    `[host, [step, ...]]`. An actor takes its steps one after the other:

    `["sleep", seconds]`
    `["exchange", [[mailbox, bytes, name], ...], [mailbox, ...]]`
        Puts and gets, begun together; the step ends when all have arrived. A put and a get of a mailbox meet in the
        order in which they came, and the message starts when both are there.
    `["transfer", source host, target host, bytes, name]`
        A flow between two hosts that waits for nobody.
    `["lock", name]`, `["unlock", name]`

Messages may share a name; those whose name is null are not reported.
Sizes are whole bytes, because SimGrid's Python interface has no others.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
from typing import Any


def main(arguments: list[str]) -> int:
    """Answer `--version`, or play what comes in."""
    try:
        simgrid = importlib.import_module("simgrid")
    except ImportError as error:
        print(f"no SimGrid here: {error}", file=sys.stderr)
        return 3
    if arguments == ["--version"]:
        print(json.dumps({"simgrid": simgrid.simgrid_version, "python": platform.python_version()}))
        return 0
    print(json.dumps(play(simgrid, json.load(sys.stdin))))
    return 0


def play(simgrid: Any, experiment: dict[str, Any]) -> dict[str, Any]:
    """The experiment's messages with the times at which SimGrid starts and ends them."""
    options = [f"--cfg={key}:{value}" for key, value in experiment["config"].items()]
    engine = simgrid.Engine([sys.argv[0], "--log=root.thresh:error", *options])
    hosts = build_platform(simgrid, experiment)
    locks = {step[1]: simgrid.Mutex() for _, steps in experiment["actors"] for step in steps if step[0] == "lock"}
    reported: list[tuple[str, Any]] = []
    unfinished = set(range(len(experiment["actors"])))

    def act(number: int, steps: list[Any]) -> None:
        for step in steps:
            take(step)
        unfinished.discard(number)

    def take(step: list[Any]) -> None:
        kind = step[0]
        if kind == "sleep":
            simgrid.this_actor.sleep_for(step[1])
        elif kind == "exchange":
            puts = [(simgrid.Mailbox.by_name(mailbox).put_async("", size), name) for mailbox, size, name in step[1]]
            gets = [simgrid.Mailbox.by_name(mailbox).get_async() for mailbox in step[2]]
            for communication in [put for put, _ in puts] + [communication_of(get) for get in gets]:
                communication.wait()
            reported.extend((name, communication) for communication, name in puts)
        elif kind == "transfer":
            _, source, target, size, name = step
            communication = simgrid.Comm.sendto_init(hosts[source], hosts[target])
            communication.set_payload_size(size)
            communication.start()
            communication.wait()
            reported.append((name, communication))
        elif kind == "lock":
            locks[step[1]].lock()
        elif kind == "unlock":
            locks[step[1]].unlock()
        else:
            raise ValueError(f"step of an actor: unknown kind {kind!r}")

    for number, (host, steps) in enumerate(experiment["actors"]):
        simgrid.Actor.create(f"actor{number}", hosts[host], act, number, steps)
    engine.run()
    if unfinished:
        raise RuntimeError(f"deadlock at {simgrid.Engine.clock!r} s: actors {sorted(unfinished)[:4]} wait for ever")
    messages: dict[str, list[list[float]]] = {}
    for name, communication in reported:
        if name is not None:
            messages.setdefault(name, []).append([communication.start_time, communication.finish_time])
    return {"end": simgrid.Engine.clock, "messages": messages}


def communication_of(get: Any) -> Any:
    """Before 3.35 a get is a pair; its second part is where the payload will be put, so the pair must be kept."""
    return get[0] if isinstance(get, tuple) else get


def build_platform(simgrid: Any, experiment: dict[str, Any]) -> dict[str, Any]:
    """Hosts by name, in one zone where each pair of them has the route that is given."""
    zone = simgrid.NetZone.create_full_zone("zone")
    hosts = {name: zone.create_host(name, 1e9) for name in experiment["hosts"]}
    links = {}
    for name, (bandwidth, latency) in experiment["links"].items():
        links[name] = zone.create_link(name, float(bandwidth))
        links[name].set_latency(float(latency))
        links[name].seal()
    for source, target, path in experiment["routes"]:
        crossed = [simgrid.LinkInRoute(links[name]) for name in path]
        try:
            zone.add_route(hosts[source], hosts[target], crossed, False)
        except TypeError:  # before 3.35
            zone.add_route(hosts[source].netpoint, hosts[target].netpoint, None, None, crossed, False)
    zone.seal()
    return hosts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
