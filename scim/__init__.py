"""Rollcall: a SCIM 2.0 provisioning endpoint on Azure Functions."""

__version__ = "0.1.0"
