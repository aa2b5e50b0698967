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
    "synced-before-acknowledged": "What is acknowledged had been synced before.",
    "atomic-replace": "A file's new content appears by a rename, synced before and after.",
    "order": "Events stand in the order that was asked for.",
    "no-reads-of": "No byte of the files is read.",
    "no-writes-outside": "Nothing is changed but the files that may be.",
    "never-synced-in": "Nothing is synced while a phase lasts.",
    "fd-hygiene": "Descriptors are opened with close-on-exec, and closed in the end.",
    "device-sequential": "Requests reach the device in the order of its sectors.",
    "all": "Every one of its parts holds.",
    "any": "At least one of its parts holds.",
    "not": "Its part does not hold.",
}


def claim_sentence(claim: str) -> str:
    """The sentence of a kind of claim; the kind itself where it is not known here."""
    return _SENTENCES.get(claim, claim)
