#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Outages with the real programs. In each: no record is lost, one that comes twice has the
same number and content, energy registers never fall, and live values are back in time.

    outage.py [NAME...]        the short form
    LONG=1 TABLE=FILE outage.py   the long form, and its table
"""
import os
import sys

# each registers its tests
import outage_upstreams  # pylint: disable=unused-import
import outage_gateway  # pylint: disable=unused-import
import outage_medium  # pylint: disable=unused-import
import outage_time  # pylint: disable=unused-import
import tap
from bench import TOP

HEAD = """.. SPDX-License-Identifier: GPL-2.0

=======
Outages
=======

What happens to records, energy registers and live values when a part fails, measured with
the real programs: meterd, mosquitto, influxdb. In each case no record is lost, a record
that comes twice has the same sequence number and content, and no energy register
falls; the suite fails otherwise. ``make outage`` runs it and writes this table; a short form
of it is a part of ``make check``. A power cut (``make power-cut``) may set registers back to
the last checkpoint; its row is added by hand.

.. list-table::
   :header-rows: 1
   :widths: 34 10 8 10 18 30

   * - outage
     - records
     - lost
     - sent twice
     - live values back
     - remark
"""


def write_table(path, rows):
    with open(path, "w", encoding="utf8") as f:
        f.write(HEAD)
        for r in rows:
            cells = [r["outage"], r["records"], r["lost"], r["twice"], r["live"], r["remark"]]
            f.write("   * - " + "\n     - ".join(str(c) for c in cells).replace("- \n", "-\n").rstrip(" ") + "\n")


def main():
    status, rows = tap.run()
    if not status and os.environ.get("TABLE"):
        write_table(os.path.join(TOP, os.environ["TABLE"]), rows)
    return status


if __name__ == "__main__":
    sys.exit(main())
