# SPDX-License-Identifier: GPL-2.0-or-later
"""The records in the file of the store, read as Documentation/admin-guide/storage.rst says."""
import zlib

NUMBERS = ("load", "flags", "covered_ms", "import_uwh", "export_uwh", "import_total_uwh", "export_total_uwh")
QUANTITIES = ("p_cw", "v_mv", "i_ma", "pf_e4", "thd_v_e4", "thd_i_e4")


def numbers(db):
    """All sequence numbers."""
    found = {s for (s,) in db.execute("SELECT sequence FROM event UNION SELECT sequence FROM input_total")}
    for first, n in db.execute("SELECT sequence, records FROM interval_1m UNION "
                               "SELECT sequence, records FROM interval_5m"):
        found.update(range(first, first + n))
    return found


def unpacked(pack):
    """The numbers of a pack, unsigned."""
    number = shift = 0
    for byte in zlib.decompress(pack):
        number |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0


def signed(n):
    return ~(n >> 1) if n & 1 else n >> 1


def intervals(db, table):
    """The records of a table of intervals, as dictionaries."""
    names = dict(db.execute("SELECT id, name FROM load"))
    for first, n, utc_ms, uptime_ms, pack in db.execute(f"SELECT * FROM {table} ORDER BY sequence"):
        rest = unpacked(pack)
        made = [{"sequence": first + k, "utc_ms": utc_ms, "uptime_ms": uptime_ms} for k in range(n)]
        for key in NUMBERS:
            for r in made:
                r[key] = signed(next(rest))
        for quantity in QUANTITIES:
            for statistic in ("mean", "min", "max"):
                for r in made:
                    number = next(rest)
                    mean = r.get(f"{quantity}_mean") or 0
                    r[f"{quantity}_{statistic}"] = signed(number - 1) + mean if number else None
        assert next(rest, None) is None, "there is more in the pack"
        for r in made:
            r["load"] = names[r["load"]]
            yield r
