"""Who has access: the users of all directories, read in slices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from scim.protocol.folding import fold
from scim.provisioning import rows
from scim.provisioning.directories.stored import Directory
from scim.provisioning.ports import Storage
from scim.provisioning.rules.rulings import Access, read_access
from scim.provisioning.stored_users import StoredUser, load_user, users_between

USERS_MOST: Final = 5000  # that one call reads; then its page is shorter than it could be


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; None is any."""

    tenant: str | None = None
    role: str | None = None
    user_name: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A user of a directory, and one role that it has in a tenant."""

    directory: Directory
    user: StoredUser
    access: Access

    @property
    def place(self) -> list[str]:
        """Return the place in the list."""
        user_id: str = self.user.resource["id"]
        return [self.directory.id, user_id, self.access.tenant, self.access.role]


Place = Sequence[str]  # as `Holder.place`, or where it would be behind all that a user has


async def holders(
    storage: Storage, directories: Sequence[Directory], wanted: Wanted, after: Place, most: int
) -> tuple[list[Holder], list[str] | None]:
    """Return those who follow a place, and the place to go on from; None at the end."""
    found: list[Holder] = []
    read = 0
    async for directory, user in _users(storage, directories, wanted, after):
        for access in read_access(user):
            holder = Holder(directory, user, access)
            if holder.place <= list(after) or not _matches(access, wanted):
                continue
            if len(found) == most:
                return found, found[-1].place
            found.append(holder)
        read += 1
        if read == USERS_MOST:
            return found, [directory.id, user.resource["id"] + rows.END]
    return found, None


def gives_access(directory: Directory) -> bool:
    """Whether the users of a directory have what stands in their rows."""
    return directory.deletion is None or directory.deletion.access == "keep"


async def find_user(storage: Storage, partition: str, user_name: str) -> StoredUser | None:
    """Return the user of that name in any case; None if there is none."""
    row = await storage.get(partition, rows.user_name(fold(user_name)))
    if row is None:
        return None
    user = await load_user(storage, partition, str(row.values["id"]))
    if user is None or user.leaving or fold(user.resource["userName"]) != fold(user_name):
        return None
    return user


def _matches(access: Access, wanted: Wanted) -> bool:
    return wanted.tenant in (None, access.tenant) and wanted.role in (None, access.role)


async def _users(
    storage: Storage, directories: Sequence[Directory], wanted: Wanted, after: Place
) -> AsyncIterator[tuple[Directory, StoredUser]]:
    from_directory, from_user = (*after[:2], "", "")[:2]
    for directory in sorted(directories, key=lambda each: each.id):
        if directory.id < from_directory or not gives_access(directory):
            continue
        start = from_user if directory.id == from_directory else ""
        partition = rows.partition(directory.id)
        if wanted.user_name is not None:
            user = await find_user(storage, partition, wanted.user_name)
            if user is not None and user.resource["id"] >= start:
                yield directory, user
            continue
        first, last = rows.user_range(start, "")
        async for user in users_between(storage, partition, first, last):
            if not user.leaving:
                yield directory, user
