//! F28 to F42: the operator ends, or the cluster refuses, forgets or loses what is asked of it.

use super::{Fault, Sign, case, output_sign, ready, shown};

/// The rows of this chapter, in order.
pub(super) static ROWS: &[&Fault] =
    &[&F28, &F29, &F30, &F31, &F32, &F33, &F34, &F35, &F36, &F37, &F38, &F39, &F40, &F41, &F42];

pub static F28: Fault = shown(
    "F28",
    "The operator ends while it reads",
    "Nothing has been written. The one that takes over reads from the beginning.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F29: Fault = shown(
    "F29",
    "The operator ends while it writes",
    "The one that takes over compares what is there with what the source says, and writes the \
     rest; nothing twice.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F30: Fault = shown(
    "F30",
    "An operator goes on that was stopped, while another one works",
    "It writes nothing any more, and ends.",
    &[case("", Sign::Log(&["the lease was lost"]))],
    "Nothing: it is started anew, and waits for its turn.",
);

pub static F31: Fault = shown(
    "F31",
    "The clock of a node is wrong, or is set",
    "Syncs keep their intervals and the Lease its holder, by clocks that cannot be set. Who is cut \
     off while the clock is put back ends in time all the same, and writes nothing.",
    &[ready(&["people and groups are up to date"])],
    "Set the clock right: what it is wrong by is in times that people read.",
);

pub static F32: Fault = shown(
    "F32",
    "The apiserver has too much to do (429)",
    "Fewer mirrors are written at a time, none while it asks to be spared (Retry-After), and \
     what it refused is written in the same sync, once. `directory_sync_writes_eased_total` \
     and `directory_sync_writes_waited_seconds_total` count it.",
    &[ready(&["people and groups are up to date"])],
    "Nothing, if it passes. If it stays, see why the apiserver is short of time for the \
     operator's ServiceAccount (API Priority and Fairness).",
);

pub static F33: Fault = shown(
    "F33",
    "The apiserver fails, or its answer is lost after it has done what was asked",
    "It is tried again in the next sync. A mirror that is there already is recognised as such. \
     An answer that takes its time, up to half a minute, is waited for.",
    &[
        case(
            "it fails",
            output_sign(
                "WriteFailed",
                &["could not be written and", "tried again", "the apiserver answered 500"],
            ),
        ),
        case(
            "its answer is lost",
            Sign::Event {
                reason: "WriteFailed",
                note: &["could not be written and", "tried again", "the apiserver could not be reached"],
            },
        ),
        case(
            "its answer is cut in the middle",
            Sign::Event { reason: "WriteFailed", note: &["could not be written and", "tried again"] },
        ),
    ],
    "Nothing, if it passes.",
);

pub static F34: Fault = shown(
    "F34",
    "Somebody changes a mirror at the moment in which it is written (409)",
    "The mirror is read again and written over what was found, up to five times. Labels and \
     annotations of others stay.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F35: Fault = shown(
    "F35",
    "A watch breaks, or has been away for too long (410)",
    "Everything is listed anew. What happened meanwhile is noticed, and nothing else is \
     written.",
    &[case("", Sign::Log(&["failed and is tried again"]))],
    "Nothing.",
);

pub static F36: Fault = shown(
    "F36",
    "The cluster's storage is full (etcd: NOSPACE)",
    "What is there can be read, and stays. Nothing can be written, the status included: log \
     and metrics tell. An operator that cannot renew its Lease ends, and waits for it anew. \
     Once there is room again, everything goes on by itself.",
    &[
        case("", Sign::Log(&["the status could not be written; trying again", "database space exceeded"])),
        case("", Sign::Metric("directory_sync_write_failures_total")),
    ],
    "Make room in etcd (compact, defragment), and take its alarm off (`etcdctl alarm disarm`).",
);

pub static F37: Fault = shown(
    "F37",
    "What is written does not fit into one object",
    "Files are cut into several ConfigMaps with an index, and slices that become too large are \
     split. Nobody is left out.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F38: Fault = shown(
    "F38",
    "A definition is missing, or a webhook of the cluster does not answer",
    "Without its definitions the operator is not ready, says which is missing, and goes on \
     when it is there. What a webhook does not let through is tried again in the next sync.",
    &[
        case(
            "a definition is missing",
            Sign::NotReady(&[
                "the custom resource definition of Directory is not installed",
                "apply the files in crds/",
            ]),
        ),
        case(
            "a webhook does not answer",
            output_sign(
                "WriteFailed",
                &["could not be written and", "tried again", "failed calling webhook"],
            ),
        ),
    ],
    "Install the definitions (`crds/`), or mend the webhook.",
);

pub static F39: Fault = shown(
    "F39",
    "Somebody edits or deletes a mirror",
    "It is made what it should be within a second, and counted as drift.",
    &[case("", Sign::Metric("directory_sync_drift_repaired_total"))],
    "Nothing. See [DirectoryMirrorsEdited](runbooks/DirectoryMirrorsEdited.md) if it does not \
     stop.",
);

pub static F40: Fault = shown(
    "F40",
    "The namespace is deleted",
    "Its Directories end, and their finalizers are taken off, if the operator still has its \
     rights there. Others go on, also when the operator is started anew; it is not ready then, and \
     [says what it misses](runbooks/DirectorySyncNotReady.md).",
    &[case("after the operator was started anew", Sign::NotReady(&["may not", "in namespace", "grant it"]))],
    "Take the namespace out of `watchNamespaces`. A Role within it may go before the Directory. Then take \
     `directory-sync.io/delete-mirrors` out of `metadata.finalizers` by hand: `kubectl edit \
     directory NAME --namespace NAMESPACE`. Whoever deletes the Directories first, and the \
     namespace when they are gone, does not meet this.",
);

pub static F41: Fault = shown(
    "F41",
    "The Directory is deleted while it is synced",
    "The sync ends at its next page or write, and the mirrors stay or go as \
     `deletion.onDirectoryDelete` says.",
    &[],
    "Nothing.",
);

pub static F42: Fault = shown(
    "F42",
    "The operator or its connection dies at any write",
    "At every single write of a sync the end is the same: each mirror is as the source says, \
     and was written once.",
    &[],
    "Nothing.",
);
