"""How rows are spelt: the beginning of every key, and how documents are put into properties.

A directory is one partition:

    u_<user>            a user
    u_<user>_<group>    a membership of the user, right behind it
    n_<hash>            userName -> user, unique
    x_<hash>_<user>     externalId -> user
    e_<hash>_<user>     e-mail address -> user
    r_<manager>_<user>  manager -> report
    f_<user>            the record of a deleted user, where the policy keeps it
    w_<hash>_<user>     userName -> records
    g_<group>           a group, without its members
    g_<group>_<parent>  a group that has this one as a member, right behind it
    m_<group>_<member>  a member of the group: a user or a group
    d_<hash>            displayName -> group, unique
    y_<hash>_<group>    externalId -> group
    o_u_<user>          ids of users in the order of their creation
    o_g_<group>         ids of groups in the order of their creation
    l_<inverted time>_… the log, newest first
    i_<subject>_<log>   the log by subject: a user, a group, a job, a message, or a hashed name
    h_<hash>_<holder>   a userName or displayName, held now or ever -> user or group
    h_<holder>_<hash>   the names of a user or group, held now or ever
    v_<event>           failed calls alike: their event
    b_<inverted time>_… events by their last call, newest first
    s_<day>             what was done on a day, folded from the log
    a                   contacts of the identity provider, and what its requests needed
    t                   totals, folded from the log
    q                   a doubt about the totals: count anew
    b                   users who ceased to be active lately
    s                   how far the rules in force are applied to all users
    j_<job>             work longer than one commit
    c_<job>_<number>    members that the job still has to add or remove

The partition `installation` holds what belongs to no directory, and a log of it:

    d_<directory>       a directory
    a_<hash>            directory name -> directory, unique
    k_<directory>_<token>  a token as listings show it
    k_<directory>_<token>_used  when and from where it was last used, right behind it
    o_<directory>_<log>  an entry on its way into the directory's log
    q_<hash>            an idempotency key, with the answer of its first request
    c_<directory>_<client>  an OAuth client; its secrets are tokens
    s_cursors           the key that seals cursors
    s_rules             the numbered set of rules in force
    s_rules_saved       a set that is saved, not in force
    s_signing           names of the keys that sign access tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Final

import orjson

from scim.provisioning.ports import Unavailable, Value

INSTALLATION: Final = "installation"
TOTALS: Final = "t"
DOUBT: Final = "q"
LOG: Final = "l_"
EVENT_PLACES: Final = "b_"
DAYS: Final = "s_"
CONTACTS: Final = "a"
CURSOR_KEY: Final = "s_cursors"
RULES: Final = "s_rules"
SAVED_RULES: Final = "s_rules_saved"
RULE_SYNC: Final = "s"
BURST: Final = "b"
SIGNING_KEYS: Final = "s_signing"
# One more than every character of a key: `prefix + END` closes the range of a prefix.
END: Final = "~"

# Rows say how they are built; this code reads its own format and the one before.
FORMAT: Final = 1

# 16 000 code points are at most 32 000 UTF-16 units, within a property of Table Storage.
_PART: Final = 16_000
_DOCUMENT: Final = "doc"


def partition(directory: str) -> str:
    """Return the partition of a directory."""
    return f"directory-{directory}"


def digest(text: str) -> str:
    """Return the hash under which index rows keep a folded value."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def user(user_id: str) -> str:
    """Key of a user."""
    return f"u_{user_id}"


def membership(user_id: str, group_id: str) -> str:
    """Key of a user's membership of a group."""
    return f"u_{user_id}_{group_id}"


def is_head(key: str) -> bool:
    """Whether the key is a user's or group's own, not that of a membership behind it."""
    return key.count("_") == 1


def user_range(first_id: str, last_id: str) -> tuple[str, str]:
    """Return the range of all rows from one user to another, memberships included."""
    return user(first_id), user(last_id) + END


def user_name(folded: str) -> str:
    """Key of a userName; the row holds the user's id."""
    return f"n_{digest(folded)}"


def external_id(value: str, user_id: str = "") -> str:
    """Key of an externalId of a user; without the user, the beginning of all of them."""
    return f"x_{digest(value)}_{user_id}"


def email(folded: str, user_id: str = "") -> str:
    """Key of an e-mail address of a user; without the user, the beginning of all of them."""
    return f"e_{digest(folded)}_{user_id}"


def report(manager: str, user_id: str = "") -> str:
    """Key of a report of a manager; without the user, the beginning of all of them."""
    return f"r_{manager}_{user_id}"


def group(group_id: str) -> str:
    """Key of a group."""
    return f"g_{group_id}"


def parent(group_id: str, parent_id: str) -> str:
    """Key of a group's membership of another group."""
    return f"g_{group_id}_{parent_id}"


def group_range(first_id: str, last_id: str) -> tuple[str, str]:
    """Return the range of all rows from one group to another, parents included."""
    return group(first_id), group(last_id) + END


def member(group_id: str, member_id: str = "") -> str:
    """Key of a member of a group; without the member, the beginning of all of them."""
    return f"m_{group_id}_{member_id}"


def display_name(folded: str) -> str:
    """Key of a group's displayName; the row holds the group's id."""
    return f"d_{digest(folded)}"


def group_external_id(value: str, group_id: str = "") -> str:
    """Key of an externalId of a group; without the group, the beginning of all of them."""
    return f"y_{digest(value)}_{group_id}"


def former_user(user_id: str) -> str:
    """Key of the record of a deleted user."""
    return f"f_{user_id}"


def former_name(folded: str, user_id: str = "") -> str:
    """Key of a record by userName; without the user, the beginning of all of that name."""
    return f"w_{digest(folded)}_{user_id}"


def group_order(group_id: str = "") -> str:
    """Key of a group in the order of creation; without the group, the beginning of all."""
    return f"o_g_{group_id}"


def job(job_id: str = "") -> str:
    """Key of a job; without the id, the beginning of all of them."""
    return f"j_{job_id}"


def job_chunk(job_id: str, number: int) -> str:
    """Key of a part of a job's pending members."""
    return f"c_{job_id}_{number:04d}"


def user_order(user_id: str = "") -> str:
    """Key of a user in the order of creation; without the user, the beginning of all of them."""
    return f"o_u_{user_id}"


def log(milliseconds: int, message: str = "", part: int = 0) -> str:
    """Key of a log entry; without the message, the place just before all of that millisecond."""
    inverted = f"{LOG}{0xFFFFFFFFFFFF - milliseconds:012x}"
    return f"{inverted}_{message.replace('-', '')}_{part}" if message else inverted


def log_of_message(milliseconds: int, message: str) -> str:
    """Return the beginning of the keys of a message's entries of that time."""
    return f"{log(milliseconds)}_{message.replace('-', '')}_"


def logged_at(log_key: str) -> int:
    """Return the time of a log key in milliseconds since 1970."""
    return 0xFFFFFFFFFFFF - int(log_key[len(LOG) : len(LOG) + 12], 16)


def log_index(subject: str, log_key: str = LOG) -> str:
    """Key of a log entry among those of one subject; without it, the beginning of all of them."""
    return f"i_{subject}_{log_key[len(LOG) :]}"


def indexed_log(subject: str, index_key: str) -> str:
    """Return the key of the log entry that stands in the index of a subject."""
    return LOG + index_key[len(log_index(subject)) :]


def name_holder(name: str, holder: str = "") -> str:
    """Key of a user or group by the digest of a name it has or had; without it, the beginning."""
    return f"h_{name}_{holder}"


def held_name(holder: str, name: str = "") -> str:
    """Key of the digest of a name that a user or group has or had; without it, the beginning."""
    return f"h_{holder}_{name}"


def event(event_id: str) -> str:
    """Key of a failed event."""
    return f"v_{event_id}"


def events_of(subject: str) -> str:
    """Return the beginning of the keys of all events of a subject."""
    return f"v_{subject}_"


def event_place(milliseconds: int, event_id: str = "") -> str:
    """Key of an event by the time of its last call; without it, the place just before all."""
    inverted = f"{EVENT_PLACES}{0xFFFFFFFFFFFF - milliseconds:012x}"
    return f"{inverted}_{event_id}" if event_id else inverted


def placed_event(key: str) -> str:
    """Return the id of the event that has this place."""
    return key.split("_", 2)[2]


def day(date: date) -> str:
    """Key of what was done on a day."""
    return f"{DAYS}{date:%Y%m%d}"


def of_day(key: str) -> date:
    """Return the day of such a key."""
    return datetime.strptime(key[len(DAYS) :] + "Z", "%Y%m%d%z").date()


def directory(directory_id: str = "") -> str:
    """Key of a directory; without the id, the beginning of all of them."""
    return f"d_{directory_id}"


def directory_name(folded: str) -> str:
    """Key of a directory's name; the row holds the directory's id."""
    return f"a_{digest(folded)}"


def token(directory_id: str, token_id: str = "") -> str:
    """Key of a token; without the token, the beginning of all those of the directory."""
    return f"k_{directory_id}_{token_id}"


def token_use(directory_id: str, token_id: str) -> str:
    """Key of a token's last use."""
    return f"k_{directory_id}_{token_id}_used"


def is_token(key: str) -> bool:
    """Whether the key is a token's own, not that of its last use behind it."""
    return key.count("_") == 2


def outbox(directory_id: str, log_key: str = "") -> str:
    """Key of an entry for a directory's log; without the entry, the beginning of all of them."""
    return f"o_{directory_id}_{log_key[len(LOG) :]}"


def idempotency(request: str = "") -> str:
    """Key of an idempotency key; without the request, the beginning of all of them."""
    return f"q_{digest(request)}" if request else "q_"


def client(directory_id: str, client_id: str = "") -> str:
    """Key of an OAuth client; without it, the beginning of all those of the directory."""
    return f"c_{directory_id}_{client_id}"


def last_part(key: str) -> str:
    """Return the id at the end of an index row's key."""
    return key.rpartition("_")[2]


def pack(document: Any, **values: Value) -> dict[str, Value]:  # noqa: ANN401 - any JSON
    """Return a row's values: the document as JSON text over as many properties as it needs."""
    return pack_text(orjson.dumps(document).decode(), **values)


def pack_text(document: str, **values: Value) -> dict[str, Value]:
    """Return a row's values: JSON text over as many properties as it needs."""
    return {"f": FORMAT, **values, **spread(_DOCUMENT, document)}


def unpack(values: Mapping[str, Value]) -> Any:  # noqa: ANN401 - any JSON
    """Return the document of a row. Raises Unavailable if a version to come has written it.

    It may have meant what this one would read wrongly, and write back.
    """
    if int(values["f"]) > FORMAT:
        raise Unavailable("a newer version has written this row, and will answer", retry_after=60)
    return orjson.loads(gather(_DOCUMENT, values))


def spread(name: str, text: str) -> dict[str, Value]:
    """Return a text over as many properties as it needs, called after the first of them."""
    if 0 < len(text) <= _PART:
        return {name: text}
    return {
        f"{name}{number or ''}": text[start : start + _PART]
        for number, start in enumerate(range(0, len(text), _PART))
    }


def gather(name: str, values: Mapping[str, Value]) -> str:
    """Return a text that was spread; empty if there is none."""
    first = str(values.get(name, ""))
    if f"{name}1" not in values:
        return first
    parts = [first]
    while (part := values.get(f"{name}{len(parts)}")) is not None:
        parts.append(str(part))
    return "".join(parts)
