"""`dayuan-edge card-key`: one more secret for a site's card keys, and what the keys on record are with it."""

from __future__ import annotations

import argparse
import sys

from edge.cards import add_secret, open_card_keys
from edge.settings import load_site
from protocols.data_owner import become_owner

DONE, FAILED = 0, 1
KEYS_MAX = 200_000
LINE_MAX = 200


def card_key(options: argparse.Namespace) -> int:
    """The command: ``--add``, or ``--map``, which reads keys from standard input and prints ``old,new``."""
    site = load_site(options.site)
    become_owner(site.buffer.path.parent, site.buffer.path)
    path = site.gateway.card_key_file
    if options.add:
        many = add_secret(path)
        print(f"{path} holds {many} secrets now; this gateway goes by the new one from its next start on")
        print("next: enter the keys that --map prints beside the old ones, then copy the file to every gateway of the")
        print("site, 0600, and restart them; when all are, delete the old keys")
        return DONE
    keys = open_card_keys(path)
    for number, line in enumerate(sys.stdin, 1):
        if number > KEYS_MAX or len(line) > LINE_MAX:
            print(f"line {number}: at most {KEYS_MAX} keys of one line each", file=sys.stderr)
            return FAILED
        old = line.strip()
        if not old:
            continue
        try:
            print(f"{old},{keys.newest_of(old)}")
        except ValueError as error:
            print(f"line {number}: {error}", file=sys.stderr)
            return FAILED
    return DONE
