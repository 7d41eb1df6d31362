"""What each identity provider sends differently: one named function per quirk, from JSON to JSON.

All quirks hold for every client at all times. `table` lists them; the module of the identity
provider that needs a quirk holds it; the recorded requests in the tests show each one at work.
"""

from __future__ import annotations

from typing import Final

from scim.dialects.pipeline import Pipeline
from scim.dialects.table import QUIRKS

MEANINGS: Final = QUIRKS.meanings()

_pipeline: Final = Pipeline(QUIRKS)

standard_resource = _pipeline.standard_resource
standard_patch = _pipeline.standard_patch
standard_filter = _pipeline.standard_filter
new_entry = _pipeline.new_entry
