"""What each kind of claim says, in a sentence for a reader who does not know the suite."""

from collections.abc import Mapping

_SENTENCES: Mapping[str, str] = {
    "sequential-writes": "Each write to a file starts where the last one ended, by whomever.",
    "zero-copy-reads": "What goes from a file to a socket passes no buffer of a process.",
    "batched-sends": "Bytes leave in few large calls, not one record at a time.",
    "append-only": "A file's bytes, once written, are neither overwritten nor cut off.",
    "compression": "Stored batches are compressed with the codec that was asked for.",
    "thread-roles": "Only the threads made for it touch the network.",
    "stored-as-sent": "Bytes received, stored and sent are the same: nothing is made anew.",
    "call-budget": "System calls stay below a bound for each MiB and each record.",
}


def claim_sentence(claim: str) -> str:
    """The sentence of a kind of claim; the kind itself where it is not known here."""
    return _SENTENCES.get(claim, claim)
