"""Why calls are refused or fail, in an admin's words, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause: the name under which failed calls are grouped, what it means, and what to do."""

    name: str
    meaning: str
    advice: str


OTHER: Final = Cause(
    "other",
    "The call was refused for the reason in its detail.",
    "Read the detail; it says what to send instead.",
)
# Of calls without a valid token: counted and sampled, and grouped by what is known of the token.
TOKEN_EXPIRED: Final = Cause(
    "tokenExpired",
    "The identity provider calls with a token that has expired.",
    "Create a token and paste it into Secret Token of the identity provider's provisioning.",
)
TOKEN_REVOKED: Final = Cause(
    "tokenRevoked",
    "Somebody calls with a token that was revoked.",
    "If it is your identity provider, create a token and paste it into Secret Token; if nobody "
    "should call with it any more, find out who still does.",
)
TOKEN_UNKNOWN: Final = Cause(
    "tokenUnknown",
    "Somebody calls without a token, or with one that was never valid here.",
    "Compare Tenant URL and Secret Token of the identity provider with this directory; a token "
    "belongs to one directory. If they are right, it is a stranger, and nothing needs to be done.",
)

CLIENT_REFUSED: Final = Cause(
    "clientRefused",
    "Somebody asks for an access token and is refused.",
    "Compare client id, client secret and token endpoint, or the federated credential, with what "
    "the identity provider has; the detail says what does not fit.",
)

_OF_ANSWERS: Final = (
    Cause(
        "memberMissing",
        "A member of the group does not exist here: it was not provisioned yet, or is gone.",
        "Usually nothing: the identity provider creates the user and sends the membership "
        "again in its next cycle. If it stays, look whether the user is in the scope of "
        "provisioning.",
    ),
    Cause(
        "requiredMissing",
        "An attribute that the policy of this directory requires is empty.",
        "Fill the attribute at the user in the identity provider, map it in the attribute "
        "mappings, or take it out of requiredAttributes.",
    ),
    Cause(
        "strict",
        "The directory is strict, and the request needs what only a dialect allows.",
        "Turn strict off in the policy of the directory, unless the identity provider can be "
        "made to send standard requests. Entra ID cannot, with aadOptscim062020 neither.",
    ),
    Cause(
        "nameTaken",
        "Another user or group of this directory has the name already.",
        "Let the identity provider match on that name, so that it finds what is there, or "
        "rename one of the two.",
    ),
    Cause(
        "bulkUnresolved",
        "An operation of a bulk request refers to one that failed.",
        "Look at the other failed events of the same time; when those are mended, both go in.",
    ),
    Cause(
        "resourceGone",
        "The identity provider changes a user or group that is not in this directory any more.",
        "Let it match anew: in Entra ID, restart the job by Microsoft Graph with resetScope Full, "
        "because Restart provisioning keeps the links; in others, unassign the user and assign it "
        "again, or unlink the group and push it again.",
    ),
    Cause(
        "addressUnknown",
        "The address of the request is none that is served.",
        "Compare Tenant URL with the Base URL of the directory; nothing may follow it but a "
        "query such as ?aadOptscim062020.",
    ),
    Cause(
        "versionUnknown",
        "The address names a version of SCIM that is not served.",
        "Paste the Base URL of the directory into Tenant URL as it stands.",
    ),
    Cause(
        "unreadable",
        "The body of the request is not built as SCIM demands.",
        "Report it to whoever makes the identity provider; the detail names the place.",
    ),
    Cause(
        "queryUnreadable",
        "The address of the request has a query that cannot be read.",
        "Compare Tenant URL with the Base URL of the directory; if they are alike, report it to "
        "whoever makes the identity provider.",
    ),
    Cause(
        "nobodyNamed",
        "An application asks what a user may do, and does not say which user.",
        "Let the application send the id or the userName of the user.",
    ),
    Cause(
        "filterUnreadable",
        "The filter of the request cannot be read or answered.",
        "Check the matching attributes of the identity provider; the detail names the place.",
    ),
    Cause(
        "pathUnreadable",
        "The request changes a path that cannot be read.",
        "Check the target attributes in the attribute mappings; the detail names the path.",
    ),
    Cause(
        "nothingThere",
        "The request changes a value that is not there.",
        "Check the target attribute in the attribute mappings: the entry that its filter "
        "names has to exist first.",
    ),
    Cause(
        "readOnly",
        "The request changes what may not be changed.",
        "Take the attribute out of the attribute mappings.",
    ),
    Cause(
        "valueWrong",
        "A value has the wrong type or shape.",
        "Correct the value at the user in the identity provider, or its attribute mapping; "
        "the detail names the attribute.",
    ),
    Cause(
        "tooMuch",
        "The request asks for more than one call may do.",
        "Let the identity provider send less at once, or raise the limit that the detail names.",
    ),
    Cause(
        "cursorOld",
        "A list was read on with a cursor that is too old or belongs to another question.",
        "Usually nothing: the identity provider starts the list again.",
    ),
    Cause(
        "scopeTooSmall",
        "The scope of the token does not cover the call.",
        "Create a token with the scope that the detail names: scim for the Secret Token of an "
        "identity provider, access for an application.",
    ),
    Cause(
        "filterNotAllowed",
        "A filter was sent to an endpoint that takes none.",
        "Report it to whoever makes the identity provider.",
    ),
    Cause(
        "methodUnknown",
        "The address does not know the method of the request.",
        "Compare Tenant URL with the Base URL of the directory; if they are alike, report it "
        "to whoever makes the identity provider.",
    ),
    Cause(
        "lengthMissing",
        "The body came without its length, and the platform did not pass it on.",
        "Let whatever stands between the identity provider and this endpoint send a "
        "Content-Length.",
    ),
    Cause(
        "changedMeanwhile",
        "The resource was changed by somebody else since the client read it.",
        "Usually nothing: the client reads it again and repeats the change.",
    ),
    Cause(
        "tooLarge",
        "The body of the request, or what it makes of the resource, is too large.",
        "Let the identity provider send less: fewer members at once, shorter values.",
    ),
    Cause(
        "mediaTypeUnknown",
        "The body is declared as something else than JSON.",
        "Report it to whoever makes the identity provider.",
    ),
    Cause(
        "tooFast",
        "The identity provider sends more requests in a second than the policy allows.",
        "Usually nothing: it slows down and repeats them. If it stays behind, raise "
        "requestsPerSecond in the policy of the directory.",
    ),
    Cause(
        "defect",
        "Something is wrong in the endpoint itself.",
        "Report it with the message id; telemetry names the place.",
    ),
    Cause(
        "switchedOff",
        "The policy of this directory does not allow this kind of change.",
        "If it should, turn on in the policy what the detail names; if not, take it out of the "
        "target object actions of the identity provider.",
    ),
    Cause(
        "notServed",
        "The identity provider asks for a part of SCIM that is not served.",
        "Usually nothing: it does without.",
    ),
    Cause(
        "paused",
        "The directory is paused.",
        "Resume it when the identity provider may go on; it repeats what it sent.",
    ),
    Cause(
        "unavailable",
        "A service that the endpoint depends on did not answer, or too much happened at once.",
        "Usually nothing: the identity provider repeats the call. If it stays, look at "
        "/health/ready and at the alerts.",
    ),
)

CAUSES: Final[Mapping[str, Cause]] = {
    each.name: each
    for each in (
        *_OF_ANSWERS,
        TOKEN_EXPIRED,
        TOKEN_REVOKED,
        TOKEN_UNKNOWN,
        CLIENT_REFUSED,
        OTHER,
    )
}
