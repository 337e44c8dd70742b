"""What the network thread does: from jobs to bodies, with ``concurrency`` requests in flight.

Used by one thread, so hosts, names, retries and transfers need no lock. A job's way, and all of its ends::

    begin ─► its host's queue ─► a slot ─► its address ─► the transfer ─► hops.after ─► the body
      │            │ circuit open                │ unknown       │ refused   └► a redirect: its host's queue …
      └────────────┴─────────────────────────────┴───────────────┴──► another try, later, or the end
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable

from laion_pairs.images.address import Reach, address_reach
from laion_pairs.images.bulk.budget import Budget
from laion_pairs.images.bulk.flight import Flight
from laion_pairs.images.bulk.hosts import Hosts
from laion_pairs.images.bulk.job import Settings
from laion_pairs.images.bulk.names import Addresses, Names, is_address
from laion_pairs.images.bulk.retries import Retries
from laion_pairs.images.hops import Hops
from laion_pairs.images.protection import lists_in_force, names, refuse_taken_down, refuse_withdrawn
from laion_pairs.images.refusal import Refused
from laion_pairs.images.reservations import Reservations, Wait, asks_origins
from laion_pairs.images.reservations.origin import Origin
from laion_pairs.images.transfer import Transfer
from laion_pairs.images.transport import Transfers
from laion_pairs.ledger import Outcome

__all__ = ["Network"]


class Network:
    """Jobs in flight.

    Args:
        settings: of the download.
        concurrency: slots.
        budget: what may be held.
        inbox: jobs that have not begun; filled by other threads.
        backlog: how many bodies wait to be finished; they keep their slots, or bodies would pile up.
        arrived: takes a flight and its body.
        failed: takes a flight and why it ends.

    Raises:
        TakedownError: a takedown list cannot be read.
    """

    def __init__(
        self,
        settings: Settings,
        concurrency: int,
        budget: Budget,
        inbox: deque[Flight],
        backlog: Callable[[], int],
        arrived: Callable[[Flight, bytes], None],
        failed: Callable[[Flight, Refused], None],
    ) -> None:
        policy = settings.policy
        self._policy = policy
        self._concurrency = concurrency
        self._budget = budget
        self._inbox = inbox
        self._backlog = backlog
        self._arrived = arrived
        self._failed = failed
        self._takedown = lists_in_force(settings.takedown)
        self._reservations = Reservations(policy) if asks_origins(policy) else None
        self._hosts: Hosts[Flight] = Hosts(policy)
        self._retries: Retries[Flight] = Retries(policy)
        self._transfers = Transfers(2 * concurrency)  # as `file_limit` reckons
        self._names = Names(policy.connect_timeout_s, self._on_name)
        self._answered: deque[str] = deque()  # names, put there by the resolver's thread
        self._unresolved: dict[str, list[Flight]] = defaultdict(list)
        self._parked: dict[Origin, list[Flight]] = defaultdict(list)
        self._flights: dict[Hops, Flight] = {}  # in a slot

    @property
    def has_free_slots(self) -> bool:
        """Whether one more request could be started: there is a slot, and the budget has room or must not wait."""
        n_under_way = len(self._flights) + self._backlog()
        if not self._budget.has_room(n_under_way) and (n_under_way or not self._budget.awaited):
            return False
        return n_under_way < self._concurrency

    @property
    def n_in_flight(self) -> int:
        """How many slots are taken by requests."""
        return len(self._flights)

    def ring(self) -> None:
        """End a :meth:`work` that sleeps, from any thread."""
        self._transfers.ring()

    def work(self, longest_s: float) -> None:
        """Start what can be started, wait for something to happen, and go on with it."""
        now_s = time.monotonic()
        while self._answered:
            self._resolved(self._answered.popleft())
        for flight in self._retries.take_due(now_s):
            self._begin(flight)
        self._fill(now_s)
        if not self._budget.spent or self._budget.awaited:
            self._transfers.resume_paused(now_s)
        due_s = min(self._hosts.due_s() if self.has_free_slots else now_s + longest_s, self._retries.due_s())
        for done in self._transfers.wait(min(longest_s, max(0.0, due_s - now_s))):
            self._done(done)
        if self._reservations is not None:
            for origin in self._reservations.take_answered():
                for flight in self._parked.pop(origin, ()):
                    if flight.hops is not None:
                        self._step(flight, flight.hops.resume)

    def close(self) -> None:
        """Drop everything."""
        self._names.close()
        self._transfers.close()

    def _fill(self, now_s: float) -> None:
        while self.has_free_slots:
            turn = self._hosts.next(now_s)
            if turn is not None:
                flight, flight.host = turn[0], turn[1]
                self._launch(flight, now_s)
            elif self._inbox:
                self._begin(self._inbox.popleft())
            else:
                return

    def _begin(self, flight: Flight) -> None:
        """The first step of a try."""
        if flight.lane.closed:
            return
        job = flight.job
        flight.tries += 1
        if job.withdrawn is not None:
            self._end(flight, Refused(Outcome.WITHDRAWN, refuse_withdrawn(job.withdrawn).detail))
            return
        if self._takedown is not None and names(self._takedown, job.url, job.digest):
            self._end(flight, Refused(Outcome.TAKEN_DOWN, refuse_taken_down().detail))
            return
        flight.hops = Hops(job.url or "", self._policy, self._takedown, self._reservations)
        if job.stored is None:
            self._step(flight, flight.hops.first)
        else:
            stored = job.stored
            hops = flight.hops
            self._step(flight, lambda: hops.judge_body(stored))

    def _step(self, flight: Flight, go: Callable[[], Transfer | Wait | bytes]) -> None:
        try:
            step = go()
        except Refused as refused:
            self._refused(flight, refused)
            return
        if isinstance(step, Transfer):
            self._queue(flight, step)
        elif isinstance(step, Wait):
            flight.begin()
            self._parked[step.origin].append(flight)
        else:
            flight.begin()
            self._arrived(flight, step)

    def _queue(self, flight: Flight, transfer: Transfer) -> None:
        self._budget.hold(-flight.held)  # a reservation file's, or an earlier try's
        flight.held = 0
        flight.transfer = transfer
        flight.since_s = now_s = time.monotonic()
        turn = self._hosts.put(transfer.url.host, flight, now_s)
        if isinstance(turn, Refused):
            self._end(flight, turn)
        elif not turn:
            flight.begin()

    def _launch(self, flight: Flight, now_s: float) -> None:
        """It is this flight's turn at its host, and there is a slot."""
        hops, transfer = flight.under_way
        flight.begin()
        self._flights[hops] = flight
        if flight.lane.closed:
            self._leave_slot(flight, None)
            hops.abandon()
            return
        hops.postpone(transfer, now_s - flight.since_s)
        host = transfer.url.host
        if is_address(host):
            self._start(transfer)
        else:
            self._go_to(flight, self._names.look_up(host))

    def _go_to(self, flight: Flight, found: Addresses | Refused | None) -> None:
        transfer = flight.under_way[1]
        if found is None:
            self._unresolved[transfer.url.host].append(flight)
        elif isinstance(found, Refused):
            self._leave_slot(flight, found)
            self._refused(flight, found)
        else:
            flight.addresses = self._dialled_first(found)
            self._dial(flight, transfer)

    def _dialled_first(self, addresses: Addresses) -> Addresses:
        """Those that may be dialled, in order; all of them, to be refused as they are dialled, where none may."""
        reach = {Reach.PUBLIC, Reach.PRIVATE} if self._policy.allow_private else {Reach.PUBLIC}
        return tuple(address for address in addresses if address_reach(address) in reach) or addresses

    def _dial(self, flight: Flight, transfer: Transfer) -> None:
        transfer.address, flight.addresses = flight.addresses[0], flight.addresses[1:]
        self._start(transfer)

    def _start(self, transfer: Transfer) -> None:
        transfer.may_hold = self._budget.may_hold
        self._transfers.start(transfer)

    def _done(self, done: Transfer) -> None:
        """A transfer ended."""
        hops: Hops = done.owner
        flight = self._flights[hops]
        self._budget.ended(done)
        refused = done.refused
        if (
            refused is not None
            and refused.outcome is Outcome.CONNECT_FAILED
            and done.reach is None
            and flight.addresses
        ):
            flight.transfer = done.again()
            self._dial(flight, flight.transfer)
            return
        self._leave_slot(flight, refused)
        if flight.lane.closed:
            hops.abandon()
            self._budget.hold(-done.received_bytes)
            return
        if refused is None and done.redirect is None:
            flight.held = done.received_bytes
        else:
            self._budget.hold(-done.received_bytes)
        self._step(flight, lambda: hops.after(done))

    def _leave_slot(self, flight: Flight, refused: Refused | None) -> None:
        """``flight`` is not in flight any more; ``refused`` is what its host is to be blamed for, if anything."""
        host = self._flights.pop(flight.under_way[0]).leave_host()
        for dropped, why in self._hosts.done(host, refused, time.monotonic()):
            self._end(dropped, why)

    def _refused(self, flight: Flight, refused: Refused) -> None:
        """This try ended without an image: another one, later, or the end."""
        if self._retries.put(flight, flight.tries, refused, time.monotonic()):
            flight.begin()
            if flight.hops is not None:
                flight.hops.abandon()
        else:
            self._end(flight, refused)

    def _end(self, flight: Flight, refused: Refused) -> None:
        flight.begin()
        if flight.hops is not None:
            flight.hops.abandon()
        self._failed(flight, refused)

    def _on_name(self, name: str) -> None:
        """Called in the resolver's thread."""
        self._answered.append(name)
        self._transfers.ring()

    def _resolved(self, name: str) -> None:
        for flight in self._unresolved.pop(name, ()):
            self._go_to(flight, self._names.look_up(name))
