"""`dayuan-edge enrol`: this gateway's certificate, with a one-time code."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

from edge.enrol import NotEnrolled, enrol
from edge.identity_files import IdentityFiles
from edge.settings import load_site
from protocols.clock import MS_PER_S, SystemClock
from protocols.data_owner import become_owner

DONE, FAILED = 0, 1
CODE_CHARACTERS_MAX = 1000


def enrol_gateway(options: argparse.Namespace) -> int:
    """The command."""
    site = load_site(options.site)
    own = site.gateway
    become_owner(site.buffer.path.parent, site.buffer.path)
    code = sys.stdin.read(CODE_CHARACTERS_MAX) if options.code == "-" else options.code
    files = IdentityFiles(own.identity_dir)
    try:
        found = enrol(options.url, code, site=own.site, gateway=own.id, files=files, clock=SystemClock())
    except NotEnrolled as error:
        if options.json:
            print(json.dumps({"ok": False, "error": str(error)}, ensure_ascii=False))
        else:
            print(f"not enrolled: {error}", file=sys.stderr)
        return FAILED
    until = datetime.fromtimestamp(found.not_after // MS_PER_S, UTC).date().isoformat()
    if options.json:
        told = {"ok": True, "gateway": found.name, "until": until, "folder": str(files.folder)}
        print(json.dumps(told, ensure_ascii=False))
        return DONE
    print(f"enrolled as {found.name}; the certificate holds until {until} and is renewed by itself")
    print(f"key and certificate: {files.folder}")
    if not site.uplink.url.tls:
        print(f'the link is not encrypted yet: [uplink] url is {site.uplink.url}; make it "mqtts://..." and restart')
    return DONE
