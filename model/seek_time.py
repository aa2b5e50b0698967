"""From a distance in cylinders to the time the arm takes. Source: `model/drive.py`'s seek kinds."""

from bisect import bisect_left
from math import sqrt

from iowitness.model.drive import ConstantSeek, Seek, TableSeek, ThreePointSeek, TwoPieceSeek


def seek_ns(seek: Seek, distance: int) -> int:
    """The time to move by `distance` cylinders; 0 for none."""
    if distance == 0:
        return 0
    match seek:
        case TwoPieceSeek():
            return _two_piece_ns(seek, distance)
        case TableSeek():
            return _table_ns(seek, distance)
        case ThreePointSeek():
            return _three_point_ns(seek, distance)
        case ConstantSeek():
            return seek.time_ns


def _two_piece_ns(seek: TwoPieceSeek, distance: int) -> int:
    if distance <= len(seek.first_ns):
        return seek.first_ns[distance - 1]
    if distance < seek.knee_cylinder_count:
        return round(seek.short_ns + seek.short_ns_per_root_cylinder * sqrt(distance))
    return round(seek.long_ns + seek.long_ns_per_cylinder * distance)


def _table_ns(seek: TableSeek, distance: int) -> int:
    """Between two measured distances on the line through them, beyond the last on the last line."""
    after = bisect_left(seek.distances, distance)
    if after < len(seek.distances) and seek.distances[after] == distance:
        return seek.times_ns[after]
    after = min(max(after, 1), len(seek.distances) - 1)
    low, high = seek.distances[after - 1], seek.distances[after]
    low_ns, high_ns = seek.times_ns[after - 1], seek.times_ns[after]
    return round(low_ns + (distance - low) * (high_ns - low_ns) / (high - low))


def _three_point_ns(seek: ThreePointSeek, distance: int) -> int:
    single, average, full = seek.single_ns, seek.average_ns, seek.full_ns
    count = seek.cylinder_count
    if seek.shape == "curve":
        root = (-10 * single + 15 * average - 5 * full) / (3 * sqrt(count))
        linear = (7 * single - 15 * average + 8 * full) / (3 * count)
        return round(root * sqrt(distance - 1) + linear * (distance - 1) + single)
    third = count / 3
    if distance <= third:
        return round(single + (average - single) * (distance - 1) / max(1.0, third - 1))
    return round(average + (full - average) * (distance - third) / (count - third))
