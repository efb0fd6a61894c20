"""Found by Python at its start, where a run with a planted fault has put this folder on its path."""

import os

if os.environ.get("PLANTED_FAULT"):
    from tests.proof.planting import plant
    from tests.proof.plants import PLANTS

    plant(PLANTS[os.environ["PLANTED_FAULT"]])
