"""What each kind of claim says, in a sentence for a reader who does not know the suite."""

from collections.abc import Mapping

_SENTENCES: Mapping[str, str] = {
    "sequential-writes": "Each write to a file starts where the last one ended, by whomever.",
    "zero-copy-reads": "What goes from a file to a socket passes no buffer of a process.",
    "batched-sends": "Records leave the producer in batches, not one by one.",
    "append-only": "A file's bytes, once written, are neither overwritten nor cut off.",
    "compression": "Stored batches are compressed with the codec that was asked for.",
    "thread-roles": "Calls of each class are made only by the threads that may make them.",
    "producer-threads": "The application's thread makes no network call; a sender thread does.",
    "stored-as-sent": "Bytes received, stored and sent are the same: nothing is made anew.",
    "compressed-batches": "Batches are compressed once, by the producer, and stored as they came.",
    "call-budget": "System calls stay below a bound for each MiB and each record.",
    "durability": "What is acknowledged was made durable before.",
}


def claim_sentence(claim: str) -> str:
    """The sentence of a kind of claim; the kind itself where it is not known here."""
    return _SENTENCES.get(claim, claim)
