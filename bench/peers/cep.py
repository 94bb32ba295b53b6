"""Peer `python`: the three patterns by hand, with running sums. Standard library; orjson if installed."""
import json
import math
import platform
import sys
from time import perf_counter_ns, process_time_ns

try:
    import orjson
    loads, parser = orjson.loads, "orjson " + orjson.__version__
except ImportError:
    loads, parser = json.loads, "json of the standard library"

BATCH = 500
LATENCIES = 64
DENIES = 3
WINDOW_MS = 60_000
INTENT_MS = 30_000
MASK = 0xFFFFFFFF

agents = {}


class Agent:
    __slots__ = ("denies", "alerted", "pending", "latencies", "calls", "sum", "squares")

    def __init__(self):
        self.denies = []
        self.alerted = -math.inf
        self.pending = []
        self.latencies = [0] * LATENCIES
        self.calls = 0
        self.sum = 0
        self.squares = 0


def see(line, offset, alerts):
    kind = line["kind"]
    if kind != "gateway" and kind != "reasoning":
        return
    name = line["agent"]
    agent = agents.get(name)
    if agent is None:
        agent = agents[name] = Agent()
    ts = line["ts"]
    pending = agent.pending
    while pending and pending[0][1] <= ts:
        del pending[0]
    session = line["session"]
    if kind == "reasoning":
        pending.append((offset, ts + INTENT_MS, session, line["intents"][0]["action"]))
        return
    if line["decision"] == "deny":
        # One alert an episode, which ends where the window holds fewer, or after the window's length.
        denies = agent.denies
        denies.append(ts)
        while denies[0] <= ts - WINDOW_MS:
            del denies[0]
        if len(denies) == DENIES or (len(denies) > DENIES and ts >= agent.alerted + WINDOW_MS):
            agent.alerted = ts
            alerts.append(("a", name, offset, -1))
    if pending:
        tool = line["tool"]
        left = []
        for one in pending:
            if one[2] == session and one[3] != tool:
                alerts.append(("b", name, offset, one[0]))
            else:
                left.append(one)
        if len(left) < len(pending):
            agent.pending = left
    value = line["latency_us"]
    calls = agent.calls
    place = calls % LATENCIES
    old = agent.latencies[place]
    agent.latencies[place] = value
    agent.calls = calls = calls + 1
    agent.sum += value - old
    agent.squares += value * value - old * old
    count = calls if calls < LATENCIES else LATENCIES
    if count < 2:
        return
    mean = agent.sum / count
    variance = max(0.0, agent.squares - agent.sum * mean) / (count - 1)
    if value > mean + 4 * math.sqrt(variance):
        alerts.append(("c", name, offset, -1))


def lane(mixed, parts):
    for part in parts:
        mixed = ((mixed ^ part) * 0x85EBCA6B) & MASK
        mixed ^= mixed >> 15
        mixed = (mixed * 0xC2B2AE35) & MASK
        mixed ^= mixed >> 13
    return mixed


def sum_of(alerts):
    high = low = 0
    for pattern, agent, trigger, intent in alerts:
        parts = (ord(pattern), int(agent[6:]), trigger, intent + 1)
        high = (high + lane(0x9E3779B9, parts)) & MASK
        low = (low + lane(0x243F6A88, parts)) & MASK
    return f"{high:08x}{low:08x}"


def segment(lines, offset, alerts):
    decode_cpu = decode_wall = evaluate_cpu = evaluate_wall = 0
    for start in range(0, len(lines), BATCH):
        batch = lines[start : start + BATCH]
        cpu, wall = process_time_ns(), perf_counter_ns()
        events = [loads(line) for line in batch]
        decoded_cpu, decoded_wall = process_time_ns(), perf_counter_ns()
        at = offset + start
        for event in events:
            see(event, at, alerts)
            at += 1
        seen_cpu, seen_wall = process_time_ns(), perf_counter_ns()
        decode_cpu += decoded_cpu - cpu
        decode_wall += decoded_wall - wall
        evaluate_cpu += seen_cpu - decoded_cpu
        evaluate_wall += seen_wall - decoded_wall
    return {
        "events": len(lines),
        "decode": {"cpuNs": decode_cpu, "wallNs": decode_wall},
        "evaluate": {"cpuNs": evaluate_cpu, "wallNs": evaluate_wall},
        "state": {"cpuNs": 0, "wallNs": 0},
        "alerts": len(alerts),
        "sum": sum_of(alerts),
    }


def main():
    given = json.loads(sys.argv[1])
    verify = given["verify"]
    out = None if verify is None else open(verify, "w", encoding="ascii")
    segments = []
    offset = 0
    for file in given["files"]:
        with open(file, "rb") as handle:
            lines = handle.read().splitlines()
        alerts = []
        segments.append(segment(lines, offset, alerts))
        offset += len(lines)
        if out is not None:
            for pattern, agent, trigger, intent in alerts:
                out.write(f"{pattern} {int(agent[6:])} {trigger} {intent}\n")
    if out is not None:
        out.close()
    on = f"Python {platform.python_version()}, {parser}"
    print(json.dumps({"segments": segments, "on": on}))


main()
