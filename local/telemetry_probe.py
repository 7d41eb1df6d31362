"""Prints the properties with which a log record of ours arrives at Application Insights.

    python -m local.telemetry_probe

runs under the worker library, as Azure does with telemetry on; the other end is on loopback.
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RECORD = {"event": "token_expiring", "directory": "d1", "daysLeft": 7}


def main() -> None:
    """Send one record and print what arrives."""
    sent: list[dict[str, str]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _ingestion(sent)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ.update(
            APPLICATIONINSIGHTS_CONNECTION_STRING="InstrumentationKey="
            "00000000-0000-0000-0000-000000000000;"
            f"IngestionEndpoint=http://127.0.0.1:{server.server_port}/",
            APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL="true",
            PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME="rollcall",
        )
        # Imported here: the tools of this repository do without them.
        from azure_functions_runtime.otel import (  # type: ignore[import-not-found]  # noqa: PLC0415 - only beside the package
            initialize_azure_monitor,
        )

        initialize_azure_monitor()
        logging.getLogger("rollcall").warning("a token expires", extra=RECORD)
        from opentelemetry._logs import (  # type: ignore[import-not-found]  # noqa: PLC0415 - as above
            get_logger_provider,
        )

        get_logger_provider().force_flush()
    print(json.dumps(sent))
    sys.stdout.flush()
    os._exit(0)  # the exporters' threads would try to send more


def _ingestion(sent: list[dict[str, str]]) -> type[BaseHTTPRequestHandler]:
    class Ingestion(BaseHTTPRequestHandler):
        """Accepts telemetry, and keeps the properties of log records."""

        def do_POST(self) -> None:
            """Answer as the service does."""
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            items = json.loads(body)
            data = (item["data"] for item in items)
            sent.extend(
                each["baseData"]["properties"] for each in data if each["baseType"] == "MessageData"
            )
            answer = {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Ingestion


if __name__ == "__main__":
    main()
