"""What Entra and Okta send to create a user and a group: in the shape of each, invented."""

from __future__ import annotations

from scim.protocol.schema import ENTERPRISE_USER, GROUP, USER

# Entra adds this schema of 2006 to its groups.
OLD_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"

ENTRA_USER = {
    "schemas": [USER, ENTERPRISE_USER],
    "externalId": "kim.larsen",
    "userName": "kim.larsen@example.com",
    "active": True,
    "displayName": "Kim Larsen",
    "title": "Bridge Engineer",
    "preferredLanguage": "da-DK",
    "name": {"formatted": "Kim Larsen", "familyName": "Larsen", "givenName": "Kim"},
    "emails": [{"primary": True, "type": "work", "value": "kim.larsen@example.com"}],
    "phoneNumbers": [
        {"type": "work", "value": "4599887766"},
        {"type": "mobile", "value": "4511223344"},
    ],
    "addresses": [
        {
            "primary": True,
            "type": "work",
            "streetAddress": "Havnegade 7",
            "locality": "Aarhus",
            "postalCode": "8000",
            "country": "DK",
            "formatted": "Building 4",
        }
    ],
    "roles": [],
    "meta": {"resourceType": "User"},
    ENTERPRISE_USER: {"department": "Bridges", "employeeNumber": "30415"},
}
ENTRA_GROUP = {
    "schemas": [GROUP, OLD_GROUP],
    "externalId": "5f0d3b86-2e0f-4d57-9b3e-6c1f0a0f9c11",
    "displayName": "Tunnels",
    "meta": {"resourceType": "Group"},
}
OKTA_USER = {
    "schemas": [USER],
    "userName": "kim.larsen@example.com",
    "name": {"givenName": "Kim", "familyName": "Larsen"},
    "emails": [{"primary": True, "value": "kim.larsen@example.com", "type": "work"}],
    "displayName": "Kim Larsen",
    "locale": "en-US",
    "externalId": "00uexample7f3aaaaaaaa",
    "groups": [],
    "password": "placeholder-Zq81",
    "active": True,
}
OKTA_GROUP = {"schemas": [GROUP], "displayName": "Tunnels", "members": []}
