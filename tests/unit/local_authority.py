"""A time stamping authority on this machine's loopback: `openssl ts` behind a server of a few lines."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asn1crypto import pem

from tests.unit.report_fixtures import make_signer

CONFIGURATION = """\
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = unit.crt
certs = root.crt
signer_key = unit.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """`url` answers requests; `root` is the file with its root in PEM. `garbles` makes it answer nonsense."""

    url: str
    folder: Path
    garbles: bool = False

    @property
    def root(self) -> Path:
        return self.folder / "root.crt"

    def answer(self, query: Path, out: Path) -> None:
        """What somebody does who takes a question to it on a stick."""
        command = [
            "openssl",
            "ts",
            "-reply",
            "-config",
            "tsa.cnf",
            "-queryfile",
            query.resolve(),
            "-out",
            out.resolve(),
        ]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True)


@contextmanager
def time_authority(folder: Path) -> Iterator[Authority]:
    """The authority in a folder that this makes, serving until the end."""
    folder.mkdir()
    stamping = make_signer("Time Unit 1", "Independent Time", tsa=True)
    (folder / "root.crt").write_bytes(stamping.chain_pem[0])
    (folder / "unit.crt").write_bytes(stamping.certificate_pem)
    (folder / "unit.key").write_bytes(pem.armor("PRIVATE KEY", stamping.simple.signing_key.dump()))
    (folder / "tsa.cnf").write_text(CONFIGURATION)
    (folder / "serial").write_text("01\n")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            made.answer(folder / "query", folder / "reply")
            reply = b"no" if made.garbles else (folder / "reply").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    made = Authority(f"http://127.0.0.1:{server.server_address[1]}/", folder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
