"""Who reads which pages of an intake, until when, and what was spent on them: `intakes/{id}/chunks/{n}`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from google.cloud import firestore

from intake.cloud.failures import firestore_call
from intake.cloud.firestore.documents import LOST_RACE, Documents
from intake.errors import LeaseLost
from intake.ports import ChunkLease, Spent


class Chunks(Documents):
    """The documents `intakes/{id}/chunks/{n}`."""

    @firestore_call
    def claim_chunk(self, intake_id: str, chunk: int, owner: str, lease_s: float, pay_s: float) -> ChunkLease | None:
        """Claim some pages of an intake by one conditional write, and pay for processor time to come.

            free, or lease over ─────── claim ──▶ ours until lease_until ── renewed while we live
                                                   │ another owner asks: refused
                                                   ╰ the same owner asks: its first run died, so it gets the lease again

        Args:
            intake_id: The intake.
            chunk: 0-based number of the chunk.
            owner: Who asks; for a Pub/Sub message its id, which is the same for every delivery of it.
            lease_s: Seconds that the claim holds.
            pay_s: Seconds of processor time, on top of what was paid for before; a run that is killed has paid.
        """
        ref = self._chunk_ref(intake_id, chunk)
        snapshot = ref.get()
        before = snapshot.to_dict() or {}
        now = self._clock.now()
        if before.get("owner", owner) != owner and before["lease_until"] > now:
            return None
        until, paid_s = now + timedelta(seconds=lease_s), before.get("paid_s", 0.0) + pay_s
        lease = {"owner": owner, "lease_until": until, "paid_s": paid_s, "calls": before.get("calls", 0)}
        try:
            if snapshot.exists:
                option = self._db.write_option(last_update_time=snapshot.update_time)
                version = ref.update(lease, option=option).update_time
            else:
                version = ref.create(lease).update_time
        except LOST_RACE:
            held = ref.get()
            if (held.to_dict() or {}) != lease:  # else the client repeated a write whose answer was lost
                return None
            version = held.update_time
        return ChunkLease(intake_id, chunk, version, paid_s, lease["calls"])

    @firestore_call
    def renew_chunk(self, lease: ChunkLease, lease_s: float, pay_s: float = 0, calls: int = 0) -> ChunkLease:
        """Renew the lease of a claimed chunk, pay for more processor time or get some back, and write calls down.

        Raises:
            LeaseLost: Somebody else has claimed it since.
        """
        ref = self._chunk_ref(lease.intake_id, lease.chunk)
        paid_s, calls = lease.paid_s + pay_s, lease.calls + calls
        lease_until = self._clock.now() + timedelta(seconds=lease_s)
        changes = {"lease_until": lease_until, "paid_s": paid_s, "calls": calls}
        try:
            version = ref.update(changes, option=self._db.write_option(last_update_time=lease.version)).update_time
        except LOST_RACE as exc:
            held = ref.get()
            if not changes.items() <= (held.to_dict() or {}).items():  # as in `claim_chunk`
                raise LeaseLost from exc
            version = held.update_time
        return replace(lease, version=version, paid_s=paid_s, calls=calls)

    @firestore_call
    def spent(self, intake_id: str) -> Spent:
        """Return what was spent on all chunks of an intake."""
        snapshots = self._intake_ref(intake_id).collection("chunks").stream()
        chunks = [snapshot.to_dict() or {} for snapshot in snapshots]
        # A chunk that was claimed before an upgrade has neither.
        return Spent(sum(chunk.get("paid_s", 0.0) for chunk in chunks), sum(chunk.get("calls", 0) for chunk in chunks))

    @firestore_call
    def chunk_in_work(self, intake_id: str) -> bool:
        """Return whether anybody holds a chunk of this intake now."""
        now = self._clock.now()
        chunks = self._intake_ref(intake_id).collection("chunks").stream()
        return any((snapshot.to_dict() or {})["lease_until"] > now for snapshot in chunks)

    @firestore_call
    def count_late_calls(self, intake_id: str) -> None:
        """Count what the OCR was asked by runs that were at other chunks of an intake when it failed; once none is left."""
        self._intake_ref(intake_id).update({"pages": firestore.Maximum(self.spent(intake_id).calls)})
