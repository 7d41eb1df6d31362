"""How an answer shows why a call was refused or failed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from scim.provisioning.log.causes import CAUSES, OTHER, Cause


@dataclass(frozen=True, slots=True)
class _Sign:
    """A cause by its name; shown by a status, and if they are told by scimType and detail."""

    cause: str
    status: int
    scim_type: str | None = None
    detail: str = ""

    def fits(self, status: int, scim_type: str | None, detail: str) -> bool:
        return (
            self.status == status
            and self.scim_type in (None, scim_type)
            and re.search(self.detail, detail) is not None
        )


# The first sign that fits names the cause.
_SIGNS: Final = (
    _Sign("queryUnreadable", 400, None, "^The query (?:is not UTF-8|has )"),
    _Sign("nobodyNamed", 400, None, "^Say whom"),
    _Sign("memberMissing", 400, "invalidValue", "^members: there is no user or group"),
    _Sign("requiredMissing", 400, "invalidValue", "the policy of this directory requires it"),
    _Sign("strict", 400, None, "^This directory is strict"),
    _Sign("nameTaken", 409, "uniqueness"),
    _Sign("bulkUnresolved", 409),
    _Sign("resourceGone", 404, None, "^There is no (user|group) with the id"),
    _Sign("addressUnknown", 404),
    _Sign("versionUnknown", 400, "invalidVers"),
    _Sign("unreadable", 400, "invalidSyntax"),
    _Sign("filterUnreadable", 400, "invalidFilter"),
    _Sign("pathUnreadable", 400, "invalidPath"),
    _Sign("nothingThere", 400, "noTarget"),
    _Sign("readOnly", 400, "mutability"),
    _Sign("valueWrong", 400, "invalidValue"),
    _Sign("tooMuch", 400, "tooMany"),
    _Sign("cursorOld", 400, None, "(?i)cursor"),
    _Sign("scopeTooSmall", 403, None, "^The scope of this token"),
    _Sign("filterNotAllowed", 403),
    _Sign("methodUnknown", 405),
    _Sign("lengthMissing", 411),
    _Sign("changedMeanwhile", 412),
    _Sign("tooLarge", 413),
    _Sign("mediaTypeUnknown", 415),
    _Sign("tooFast", 429),
    _Sign("defect", 500),
    _Sign("switchedOff", 501, None, "is off for this directory"),
    _Sign("notServed", 501),
    _Sign("paused", 503, None, "has paused this directory"),
    _Sign("unavailable", 503),
)


def cause_of(status: int, scim_type: str | None, detail: str) -> Cause:
    """Return the cause of a refusal or fault, by what was answered."""
    found = (CAUSES[each.cause] for each in _SIGNS if each.fits(status, scim_type, detail))
    return next(found, OTHER)
