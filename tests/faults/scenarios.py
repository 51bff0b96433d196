"""What is injected, one function per scenario, and the table of them all.

Each plays on a rig, ends with an audit and returns its figures. ``seed`` decides what is left to
chance, apart from the computer's own timing; ``times`` is how often the fault happens; ``patches``
are known-bad builds or mishaps of the ingest process (see the modules of these names).
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from purna.core.clock import DAY, HOUR, MINUTE, SystemClock
from purna.run.bootstrap import Platform
from purna.run.clock import FileClock
from purna.run.heartbeat import silence
from purna.run.running import command
from purna.run.settings import load_settings
from purna.run.supervisor import Program, Supervisor
from tests.faults.audit import Audit
from tests.faults.load import Promise
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig, rig_of, until


@dataclass
class Outcome:
    """Figures of a run. ``wrong`` says in words what must not be, apart from the audit."""

    audit: Audit
    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    may_refuse: bool = False

    @property
    def good(self) -> bool:
        return self.audit.good and not self.wrong and (self.may_refuse or not self.audit.refused)

    def as_dict(self) -> dict[str, Any]:
        return {**self.figures, **asdict(self.audit), "wrong": self.wrong}


async def kill(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """Kill -9 under load: at any moment, or at a disk operation picked at random."""
    async with rig_of(link, seed) as rig:
        rig.start(*patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        for number in range(times):
            await _die(rig, at_operation=number % 2 == 0)
            rig.start(*patches)
            await rig.progress()
        return await _concluded(rig, kills=times)


async def kill_freeing_on_ack(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The same, for devices that free on ``ack`` and send the rest again in any order, slowly."""
    async with rig_of(link, seed) as rig:
        rig.disk.turn(sync_us=10_000)
        rig.start(*patches)
        await rig.listening()
        rig.load(frees="ack", again_at_once=1)
        await rig.progress()
        for _ in range(times):
            await _die(rig, at_operation=True)
            rig.start(*patches)
            await rig.progress()
        return await _concluded(rig, "ack", kills=times)


async def power_cut(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The same, and of what was not synced any part is gone. A slow disk syncs most of the time."""
    async with rig_of(link, seed) as rig:
        rig.disk.turn(sync_us=10_000)
        rig.start(*patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        for number in range(times):
            await _die(rig, at_operation=number % 2 == 0)
            rig.cut_power()
            rig.start(*patches)
            await rig.progress()
        return await _concluded(rig, cuts=times)


async def _die(rig: Rig, *, at_operation: bool) -> None:
    await asyncio.sleep(rig.chance.uniform(0.02, 0.4))
    if at_operation:
        rig.disk.turn(die_at=rig.disk.look("operations") + rig.chance.randint(1, 40))
        await rig.ingester.end()
        rig.disk.turn(die_at=0)
    else:
        rig.ingester.kill()


async def _concluded(rig: Rig, *promises: Promise, **figures: Any) -> Outcome:
    """Let everything come to rest, look, and end."""
    await rig.standstill()
    outcome = Outcome(rig.audit(*promises), {**figures, "sent": rig.sent})
    if rig.safe < rig.sent:
        outcome.wrong.append(f"{rig.sent - rig.safe} messages never became safe")
    rig.kill()
    return outcome


async def broker_killed(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """Kill -9 of the broker, now and then together with the ingester.

    What only the broker had promised may be gone, so devices keep a message until the platform's
    ``ack`` and send it again.
    """
    async with rig_of(link, seed) as rig:
        assert rig.broker is not None
        rig.start(*patches)
        await rig.listening()
        rig.load(frees="ack")
        await rig.progress()
        for number in range(times):
            await asyncio.sleep(rig.chance.uniform(0.05, 0.5))
            rig.broker.kill()
            if number % 3 == 2:
                rig.ingester.kill()
                rig.start(*patches)
            await asyncio.sleep(rig.chance.uniform(0.0, 0.3))
            await rig.broker.start()
            await rig.progress()
        return await _concluded(rig, "ack", broker_kills=times)


async def store_busy(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """Another process holds the readings file for seconds."""
    wrong = []
    async with rig_of(link, seed) as rig:
        rig.start(*patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        for number in range(times):
            let_go = rig.hold_store()
            await asyncio.sleep(0.3)  # what was committed just before is still being told
            before = rig.safe
            await asyncio.sleep(1.0 if number % 5 < 4 else 12.0)
            if rig.safe != before:
                wrong.append("acknowledged while nothing could be stored")
            let_go()
            await rig.progress()
        outcome = await _concluded(rig, times=times)
        outcome.wrong += wrong
        return outcome


async def disk_runs_low(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """Less room than the reserve: nothing is acknowledged until there is more, and nothing ends."""
    async with rig_of(link, seed) as rig:
        return await _without_room(rig, times, patches, lambda: 200_000_000)  # of 256 MB


async def disk_full(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The same without a reserve: the disk is full at any byte."""
    async with rig_of(link, seed, disk_reserve_mb=0) as rig:
        return await _without_room(rig, times, patches, lambda: rig.chance.randint(0, 200_000))


async def _without_room(
    rig: Rig, times: int, patches: Sequence[str], room: Callable[[], int]
) -> Outcome:
    wrong = []
    rig.start(*patches)
    await rig.listening()
    rig.load()
    await rig.progress()
    for _ in range(times):
        rig.disk.turn(room=room())
        await rig.rest()
        before = rig.safe
        await asyncio.sleep(1.0)
        if rig.safe != before:
            wrong.append("acknowledged while there was no room")
        rig.disk.turn(room=-1)
        await rig.progress()
    outcome = await _concluded(rig, times=times)
    outcome.wrong += wrong
    return outcome


async def sync_fails(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """One sync fails: nobody knows what is on disk, so the process must end, with a status.

    The power is cut after that, because what the failed sync left behind is lost then.
    """
    survived = 0
    async with rig_of(link, seed) as rig:
        rig.start(*patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        for number in range(times):
            await asyncio.sleep(rig.chance.uniform(0.05, 0.4))
            rig.disk.turn(spare_logs=number % 2)
            failed = rig.disk.look("failed_syncs")
            rig.disk.turn(failing_syncs=1)
            await until(lambda: rig.disk.look("failed_syncs") > failed, 20, "nobody syncs")  # noqa: B023
            try:
                if await rig.ingester.end(15.0) == 0:
                    survived += 1
            except TimeoutError:
                survived += 1
                rig.ingester.kill()
            rig.cut_power()
            rig.start(*patches)
            await rig.progress()
        outcome = await _concluded(rig, times=times, survived=survived)
        if survived:
            outcome.wrong.append(f"went on after {survived} failed syncs")
        return outcome


async def sync_hangs(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """A sync takes seconds: meanwhile nothing is acknowledged, and nobody loses his connection."""
    wrong = []
    async with rig_of(link, seed) as rig:
        rig.start(*patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        for _ in range(times):
            rig.disk.turn(hang=1)
            await asyncio.sleep(0.3)
            before = rig.safe
            if not await rig.answers():
                wrong.append("a newcomer gets no answer")
            await asyncio.sleep(3.0)
            if rig.safe != before:
                wrong.append("acknowledged while a sync hung")
            rig.disk.turn(hang=0)
            await rig.progress()
            await asyncio.sleep(0.1)
        outcome = await _concluded(rig, times=times)
        reconnects = sum(record.reconnects for record in rig.records)
        if reconnects:
            wrong.append(f"{reconnects} connections of devices were lost")
        outcome.wrong += wrong
        return outcome


async def ingester_cut_off(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The connection between ingester and broker is cut over and over, and packet ids come again.

    Every other time it is cut just while a group waits for a busy store, and is up again when that
    group is committed: its packet ids belong to other messages then. A moment later comes a
    kill -9, for whatever was acknowledged too early. The disk is slow, so that there is much of it.
    """
    async with rig_of(link, seed, meddle=True) as rig:
        rig.disk.turn(sync_us=40_000)
        proxy = rig.proxy
        assert proxy is not None
        rig.start("impatient_store", *patches)
        await rig.listening()
        rig.load()
        while proxy.cuts < times:
            proxy.cutting = not proxy.cutting
            await rig.listening()
            let_go = rig.hold_store()
            await asyncio.sleep(0.1)
            if not proxy.cutting:
                proxy.cut()
            await asyncio.sleep(rig.chance.uniform(1.0, 1.4))
            let_go()
            await asyncio.sleep(rig.chance.uniform(0.2, 0.8))
            if not proxy.cutting:
                rig.kill()
                rig.start("impatient_store", *patches)
        proxy.cutting = False
        return await _concluded(rig, cuts=proxy.cuts)


async def devices_cut_off(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The connections of devices are cut, stalled and half-closed at any byte.

    The disk is slow, so that many an acknowledgement is due when its connection is gone.
    """
    async with rig_of(link, seed) as rig:
        rig.disk.turn(sync_us=40_000)
        proxy = Proxy(rig.port, rig.chance, longest=0.4)
        await proxy.start()
        rig.start(*patches)
        await rig.listening()
        rig.load(port=proxy.port)
        await until(lambda: proxy.cuts >= times, times * 3.0 + 30, "too few cuts")
        proxy.cutting = False
        outcome = await _concluded(rig, cuts=proxy.cuts)
        await proxy.close()
        return outcome


async def holder_flips(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """Two ingest processes, one in standby: the one that writes is killed, or stopped and bereft.

    Bereft: while it stands still, its lock is taken from it and the other takes over. When it goes
    on, it must find that out before it writes anything, and end. (At the endpoint it still holds
    the port, so nobody can take over from it there.)
    """
    wrong = []
    async with rig_of(link, seed, standby=True) as rig:
        rig.start(*patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        for number in range(times):
            holder = rig.ingester
            rig.start(*patches)  # the one in standby
            await rig.progress()
            await asyncio.sleep(rig.chance.uniform(0.5, 1.0))
            bereft = rig.broker is not None and number % 2 == 1
            if bereft:
                holder.send(signal.SIGSTOP)
                (rig.folder / "readings.sqlite.lock").unlink()
                # If it stands still in a transaction, SQLite itself keeps the other one out.
                await asyncio.sleep(rig.chance.uniform(0.5, 2.0))
                holder.send(signal.SIGCONT)
                try:
                    if await holder.end() == 0:
                        wrong.append("the bereft one ended as if all were well")
                except TimeoutError:
                    wrong.append("the bereft one goes on")
                    holder.kill()
            else:
                holder.kill()
            await rig.progress()
        outcome = await _concluded(rig, flips=times)
        outcome.wrong += wrong
        return outcome


async def clock_jumps(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The platform's clock jumps back and forth, first by minutes, then by hours.

    Devices tell the right time. A jump within the limit for times in the future refuses none of
    their readings. One beyond it does: they are in the quarantine then, and can be taken in again.
    """
    async with rig_of(link, seed) as rig:
        clock = FileClock(rig.folder / "clock.json")
        rig.start(*patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        minutes = 0
        for longest in (4 * MINUTE, 3 * HOUR):
            for _ in range(times // 2):
                right = SystemClock().now()
                clock.set(right + round(rig.chance.uniform(-longest, longest)), speed=1.0)
                await rig.progress()
                await asyncio.sleep(0.2)
            if longest < HOUR:
                minutes = rig.audit().refused
        clock.set(SystemClock().now(), speed=1.0)
        outcome = await _concluded(rig, jumps=times)
        outcome.may_refuse = True
        if minutes:
            outcome.wrong.append(f"{minutes} good readings refused for minutes of ours")
        return outcome


async def clock_far_ahead(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The clock is days ahead after a restart, and old readings are removed by it: not these."""
    async with rig_of(link, seed, retention_days=2, seal_rows=1) as rig:
        rig.start(*patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        for _ in range(times):
            await asyncio.sleep(1.5)  # some are sealed
            rig.ingester.kill()
            clock = FileClock(rig.folder / "clock.json")
            clock.set(SystemClock().now() + round(rig.chance.uniform(4, 40) * DAY), speed=1.0)
            rig.start(*patches)
            await asyncio.sleep(3.0)  # what is old is looked for after a second
            clock.set(SystemClock().now(), speed=1.0)
            await rig.progress()
        outcome = await _concluded(rig, times=times)
        outcome.may_refuse = True
        return outcome


async def decoder_fails(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """A bug in a decoder: the messages it fails on are set aside, the others go on."""
    async with rig_of(link, seed) as rig:
        rig.start("decoder_raises", *patches)
        await rig.listening()
        rig.load()
        await rig.progress()
        await asyncio.sleep(0.2 * times)
        outcome = await _concluded(rig)
        outcome.may_refuse = True
        if not outcome.audit.refused:
            outcome.wrong.append("the bug was never met")
        return outcome


async def link_dies(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The endpoint's thread fails: the process must not live on deaf, but end with a status."""
    wrong = []
    async with rig_of(link, seed) as rig:
        rig.start(*patches)
        await rig.listening()
        rig.load()
        for _ in range(times):
            await rig.progress()
            rig.kill()
            rig.start("endpoint_dies", *patches)
            if await rig.ingester.end() == 0:
                wrong.append("it ended as if all were well")
            rig.start(*patches)
        await rig.progress()
        outcome = await _concluded(rig, times=times)
        outcome.wrong += wrong
        return outcome


async def hangs(link: str, seed: int, times: int, *patches: str) -> Outcome:
    """The ingest process stops moving: its supervisor kills it and starts another."""
    async with rig_of(link, seed) as rig:
        platform = Platform(load_settings(rig.folder))
        program = Program(
            "ingest",
            command(platform, "ingest"),
            environment=rig.disk.environment,
            progress=lambda: silence(platform.folder.heartbeat) < 2.5,
            patience=15.0,
        )
        supervisor = Supervisor([program])
        keeping = threading.Thread(target=supervisor.keep)
        keeping.start()
        try:
            await rig.listening()
            rig.load()
            await rig.progress(60)
            for _ in range(times):
                assert program.process is not None
                first = program.process.pid
                program.stop(signal.SIGSTOP)
                await until(
                    lambda: program.process is not None and program.process.pid != first,  # noqa: B023
                    30,
                    "nobody restarts what hangs",
                )
                await rig.progress(60)
            outcome = await _concluded(rig, times=times)
        finally:
            supervisor.stop()
            await asyncio.to_thread(keeping.join)
        return outcome


_BROKER, _ENDPOINT = ("mosquitto",), ("endpoint",)
_BOTH = (*_BROKER, *_ENDPOINT)


@dataclass(frozen=True)
class Scenario:
    """A fault, how often it happens in a run of minutes and in one of hours, and on which links.

    A run of minutes leaves out the links that ``hours`` names: they matter little to it.
    """

    play: Callable[..., Awaitable[Outcome]]
    times: int
    times_full: int
    links: tuple[str, ...] = _BOTH
    hours: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.play.__name__


SCENARIOS = (
    Scenario(kill, 20, 1000),
    Scenario(kill_freeing_on_ack, 10, 500, hours=_BROKER),
    Scenario(power_cut, 20, 200),
    Scenario(sync_fails, 4, 100, hours=_BROKER),
    Scenario(sync_hangs, 1, 10),
    Scenario(disk_runs_low, 1, 50, hours=_BROKER),
    Scenario(disk_full, 2, 50, hours=_BROKER),
    Scenario(store_busy, 2, 25, hours=_BROKER),
    Scenario(broker_killed, 5, 100, _BROKER),
    Scenario(ingester_cut_off, 16, 1000, _BROKER),
    Scenario(devices_cut_off, 50, 2000),
    Scenario(holder_flips, 4, 100),
    Scenario(clock_jumps, 6, 200, hours=_BROKER),
    Scenario(clock_far_ahead, 1, 20, hours=_BROKER),
    Scenario(decoder_fails, 5, 100, hours=_BROKER),
    Scenario(link_dies, 1, 50, _ENDPOINT),
    Scenario(hangs, 1, 10, hours=_BROKER),
)


@dataclass(frozen=True)
class KnownBad:
    """A build that is wrong on purpose, and the scenario that has to catch it by what is lost.

    With ``harmless`` the scenario must *not* see it: that is why there is another one.
    """

    patch: str
    play: Callable[..., Awaitable[Outcome]]
    times: int
    harmless: bool = False
    links: tuple[str, ...] = _ENDPOINT


KNOWN_BAD = (
    KnownBad("acknowledge_on_arrival", kill, 4, links=_BOTH),
    KnownBad("synchronous_normal", power_cut, 3),
    KnownBad("synchronous_normal", kill, 3, harmless=True),
    KnownBad("acknowledge_without_generation", ingester_cut_off, 24, links=_BROKER),
    KnownBad("acknowledge_by_client_id", devices_cut_off, 100),
    KnownBad("quarantine_after_acknowledgement", power_cut, 8, links=_BOTH),
    KnownBad("readings_before_the_rest", kill_freeing_on_ack, 20),
    KnownBad("sync_errors_ignored", sync_fails, 2),
)
