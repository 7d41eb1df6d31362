"""What each identity provider sends differently: one named function per quirk. Pure."""
