#!/usr/bin/env python3
"""Print the content of a Siltstone log or table as described in dump.md.

Usage: python3 decode.py FILE

Written from wal.md, batch.md, sstable.md and dump.md alone, to prove that they suffice: it shares no
code with the database. It needs nothing but Python 3.11; blocks compressed with zstd need one of the
modules compression.zstd, zstandard and pyzstd.

A log is read in salvage mode. A table is printed only when it is valid as a whole, except that the
filter's answers and the properties' figures (rule 23) are not compared with the data. Exit status: 0 printed,
2 wrong usage, 3 the file cannot be read or is refused; the message names file, offset and rule.
"""

import importlib
import struct
import sys
from contextlib import contextmanager

LOG_MAGIC = b"SILTLOG\n"
TABLE_MAGIC = b"SILTSST\n"
PAYLOAD_LIMIT = (1 << 30) + (1 << 20)
KEY_LIMIT = 65_536
VALUE_LIMIT = 1 << 30
SEQUENCE_LIMIT = (1 << 56) - 1
PUT, DELETE, EXPIRING_PUT = 1, 2, 7


class Broken(Exception):
    """A rule of one of the documents that does not hold."""

    def __init__(self, rule, text):
        super().__init__(text)
        self.rule, self.text, self.place = rule, text, None


class Missing(Exception):
    """What this script would need, and does not have."""


def require(holds, rule, text):
    if not holds:
        raise Broken(rule, text)


@contextmanager
def reading(document, offset):
    """Say of a broken rule which document it is in, and where the file breaks it."""
    try:
        yield
    except Broken as broken:
        broken.place = broken.place or (document, offset)
        raise


# --- what all formats share: crc32c, varints (batch.md), how bytes are printed (dump.md)

def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC_TABLE = tuple(crc_table())


def crc32c(data, seed=0):
    crc = seed ^ 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def varint(data, at, end, bits, rule):
    """The varint at `at`, and the offset behind it."""
    value = shift = 0
    while True:
        require(at < end, rule, "a varint is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        require(shift < bits and value < 1 << bits, rule, "a varint is too large for its field")
        shift += 7
        if byte < 0x80:
            require(byte or shift == 7, rule, "a varint is not in its shortest form")
            return value, at


def printable(data):
    return "".join(chr(b) if 0x20 <= b <= 0x7E and b != 0x5C else f"\\x{b:02x}" for b in data)


def entry_text(kind, key, value):
    text = f"key={printable(key)}"
    if kind == EXPIRING_PUT:
        expires, at = varint(value, 0, len(value), 64, 5)
        text, value = f"{text} expires={expires}", value[at:]
    return text + (f" value={printable(value)}" if kind != DELETE else "")


KIND_NAMES = {PUT: "put", DELETE: "delete", EXPIRING_PUT: "expiring-put"}


# --- wal.md

FILE_HEADER = struct.Struct("<8sIIQ16sI")
RECORD_HEADER = struct.Struct("<IIIBIQQQ")
DATA, END = 1, 2


class Log:
    def __init__(self, data):
        with reading("wal.md", 0):
            require(len(data) >= FILE_HEADER.size, 1, "the file is shorter than a log's header")
            magic, version, self.purpose, self.number, self.identity, self.seed = FILE_HEADER.unpack_from(data)
            require(magic == LOG_MAGIC, 2, "the magic does not match")
            require(self.seed == crc32c(data[:40]), 3, "the crc of the file header does not match")
            require(version == 1, 4, "the version is unknown: the format is too new")
        self.data = data


class Record:
    """A record header; the constructor checks rules 6 to 8: it is one of this life of the file."""

    def __init__(self, log, offset):
        require(offset + RECORD_HEADER.size <= len(log.data), 6, "the file ends inside a record header")
        (crc, self.payload_crc, self.length, self.kind, self.ordinal, number, self.synced_to,
         self.tag) = RECORD_HEADER.unpack_from(log.data, offset)
        self.offset, self.payload_at = offset, offset + RECORD_HEADER.size
        self.end = self.payload_at + self.length
        covered = log.data[offset + 4:self.payload_at] + offset.to_bytes(8, "little")
        require(crc == crc32c(covered, log.seed), 7, "the crc of a record header does not match")
        require(number == log.number, 8, "a record belongs to another log")
        self.payload = log.data[self.payload_at:self.end]

    def check(self, before, data_records):
        """The other rules, in the order in which they are named; `data_records` is None behind a gap."""
        ordinal, promise = (before.ordinal, before.synced_to) if before else (-1, 0)
        salvaged = data_records is None
        require(self.ordinal > ordinal if salvaged else self.ordinal == ordinal + 1, 9, "a record is out of order")
        if not salvaged:
            possible = self.synced_to == 0 or FILE_HEADER.size <= self.synced_to <= self.offset
            require(possible and self.synced_to >= promise, 10, "a record promises what cannot have been synced")
        require(self.length <= PAYLOAD_LIMIT, 12, "a payload is longer than the limit")
        require(len(self.payload) == self.length, 12, "the file ends inside a payload")
        if self.kind == END and not salvaged:
            require(self.length == 0, 14, "an end record has a payload")
            require(self.tag == data_records, 14, "an end record has the wrong count of records")
        require(self.payload_crc == crc32c(self.payload), 13, "the crc of a payload does not match")
        require(self.kind in (DATA, END) or self.kind & 0x80, 11, "the kind of a record is unknown")


def read_record(log, offset, before, data_records=None):
    """The record at an offset and the first rule that it breaks; no record if that is one of 6 to 8."""
    record = None
    try:
        record = Record(log, offset)
        record.check(before, data_records)
    except Broken as broken:
        return record, broken
    return record, None


def salvage(log):
    """The records of a log that can be read, and the gaps between them as (start, end, broken rule)."""
    records, gaps, offset, data_records = [], [], FILE_HEADER.size, 0
    while offset < len(log.data) and not (records and records[-1].kind == END):
        before = records[-1] if records else None
        record, broken = read_record(log, offset, before, None if gaps else data_records)
        if broken:
            record, end = next_record(log, offset, record, broken, before)
            if end > offset:
                gaps.append((offset, end, broken))
            if record is None:
                break
        records.append(record)
        data_records += record.kind == DATA
        offset = record.end
    return records, gaps


def next_record(log, gap, record, broken, before):
    """From an invalid record on: the next one and its offset; or None, and the end of the dropped bytes."""
    offset = gap
    while broken:
        # The length of a header that is valid but for its kind or its payload can be trusted.
        offset = possible_record(log, record.end if broken.rule in (11, 13) else offset + 1)
        if offset is None:
            return None, end_of_dropped(log, gap)
        record, broken = read_record(log, offset, before)
    return record, offset


def possible_record(log, offset):
    """The first offset from this one on that has the log number where a record has it."""
    at = log.data.find(log.number.to_bytes(8, "little"), offset + 17)
    return at - 17 if at >= 0 else None


def end_of_dropped(log, gap):
    ends, offset = [], possible_record(log, gap)
    while offset is not None:
        record, _ = read_record(log, offset, None)
        if record:
            ends.append(min(record.end, len(log.data)))
        offset = possible_record(log, offset + 1)
    if ends:
        return max(ends)
    number = log.data[gap + 17:gap + 25]
    if len(number) == 8 and any(number) and int.from_bytes(number, "little") != log.number:
        return gap  # the remains of an earlier life of the file
    return max(gap, len(log.data.rstrip(b"\0")))


def dump_log(data):
    log = Log(data)
    records, gaps = salvage(log)
    yield f"log number={log.number} purpose={log.purpose} identity={log.identity.hex()}"
    for r in records:
        name = {DATA: "data", END: "end"}.get(r.kind, f"kind {r.kind}")
        yield f"{name} offset={r.offset} ordinal={r.ordinal} synced-to={r.synced_to} tag={r.tag} bytes={r.length}"
        if r.kind == DATA and log.purpose == 1:
            yield from dump_batch(r.payload, r.tag)
    for start, end, broken in gaps:
        yield f"gap from={start} to={end} rule={broken.text} (wal.md rule {broken.rule})"
    end = records[-1].end if records else FILE_HEADER.size
    finished = any(r.kind == END for r in records)
    yield f"summary records={sum(r.kind == DATA for r in records)} bytes={end} finished={str(finished).lower()}"


# --- batch.md

def batch_entries(data, first):
    """All entries of a write batch, or the first rule that it breaks."""
    require(len(data) >= 5, 1, "write batch is shorter than its header")
    require(data[0] == 1, 2, f"write batch of version {data[0]}")
    require(len(data) <= PAYLOAD_LIMIT, 3, "the batch is longer than the limit")
    count, at, entries = int.from_bytes(data[1:5], "little"), 5, []
    while len(entries) < count:
        require(at < len(data), 8, "the number of entries is not the one declared")
        kind = data[at]
        require(kind in KIND_NAMES, 4, f"entry kind {kind}" + ("" if 3 <= kind <= 6 else " does not exist"))
        keyspace, at = varint(data, at + 1, len(data), 32, 5)
        key, at = batch_field(data, at, KEY_LIMIT)
        value, at = batch_field(data, at, VALUE_LIMIT) if kind != DELETE else (b"", at)
        if kind == EXPIRING_PUT:
            varint(value, 0, len(value), 64, 5)
        entries.append((kind, keyspace, first + len(entries), key, value))
    require(count >= 1 and at == len(data), 8, "the number of entries is not the one declared")
    require(first + count - 1 <= SEQUENCE_LIMIT, 9, "sequence numbers exceed 56 bits")
    return entries


def batch_field(data, at, limit):
    length, at = varint(data, at, len(data), 32, 5)
    require(length <= limit, 6, "a key or value is longer than its limit")
    require(at + length <= len(data), 7, "a key or value exceeds the batch")
    return data[at:at + length], at + length


def dump_batch(payload, first):
    try:
        for kind, keyspace, sequence, key, value in batch_entries(payload, first):
            yield f"  {KIND_NAMES[kind]} keyspace={keyspace} sequence={sequence} {entry_text(kind, key, value)}"
    except Broken as broken:
        yield f"  no batch: {broken.text} (batch rule {broken.rule})"


# --- sstable.md

FOOTER = struct.Struct("<16sQIQIQIQQBBBBII4s8s")
TRAILER = struct.Struct("<BBBBII")
NO_CODEC, LZ4, ZSTD = 0, 1, 2
DATA_ROLE, INDEX_ROLE, FILTER_ROLE, PROPERTIES_ROLE = 1, 2, 3, 4


class Table:
    def __init__(self, data):
        self.data, self.end = data, len(data) - FOOTER.size
        with reading("sstable.md", max(self.end, 0)):
            self.footer()

    def footer(self):
        """Rules 1 to 7, without 6: there is no manifest to compare with."""
        require(self.end >= 0, 1, "the file is shorter than a footer")
        (self.unique_id, *handles, length, _, index_kind, filter_kind, must_understand, _, version, crc,
         reserved, magic) = FOOTER.unpack_from(self.data, self.end)
        require(magic == TABLE_MAGIC, 1, "the magic does not match")
        require(crc == crc32c(self.data[self.end:][:76] + reserved + magic), 2, "the crc of the footer does not match")
        require(version == 1, 3, "the version is unknown: the format is too new")
        require(must_understand == 0, 3, "a flag is unknown: the format is too new")
        require(length == len(self.data), 4, "the file has another length")
        self.filter, self.index, self.properties = zip(handles[::2], handles[1::2])
        require(index_kind == 1 and filter_kind in (0, 1), 5, "the index or filter kind is unknown")
        require((self.filter != (0, 0)) == (filter_kind != 0), 5, "the filter handle does not go with the filter kind")
        parts = [p for p in (self.filter, self.index, self.properties) if p != (0, 0)]
        ends = [offset + length + TRAILER.size for offset, length in parts]
        require(ends == [offset for offset, _ in parts[1:]] + [self.end], 7, "the blocks do not tile the file")
        self.data_end = parts[0][0]

    def block(self, handle, role):
        """The raw bytes of a block; rules 8 to 12."""
        offset, length = handle
        end = offset + length
        require(end + TRAILER.size <= self.end, 8, "the block exceeds the file")
        stored = self.data[offset:end]
        layout, flags, codec, stored_role, raw_length, crc = TRAILER.unpack_from(self.data, end)
        covered = self.unique_id + offset.to_bytes(8, "little") + stored + self.data[end:end + 8]
        require(crc == crc32c(covered), 9, "the crc of the block does not match")
        require(layout == 1 and flags & 0x0F == 0, 10, "the block's format or a flag is unknown")
        require(codec in (NO_CODEC, LZ4, ZSTD), 10, f"the codec {codec} is unknown")
        require(stored_role == role, 10, "the block has another role")
        most = {NO_CODEC: length, LZ4: 255 * length + 64, ZSTD: 32_768 * length + 131_072}[codec]
        require(raw_length <= min(PAYLOAD_LIMIT, most), 11, "the raw length is too large")
        if codec == NO_CODEC:
            require(raw_length == length, 11, "the raw length is not the stored length")
            return stored
        raw = (lz4_block if codec == LZ4 else zstd_frame)(stored, raw_length)
        require(len(raw) == raw_length, 12, "the block does not have its raw length")
        return raw


def lz4_block(stored, raw_length):
    raw, at = bytearray(), 0

    def take(count):
        nonlocal at
        require(at + count <= len(stored), 12, "the lz4 block is cut short")
        at += count
        return stored[at - count:at]

    def length(nibble):
        more = nibble == 15
        while more:
            byte = take(1)[0]
            nibble += byte
            more = byte == 255
        return nibble

    while True:
        token = take(1)[0]
        raw += take(length(token >> 4))
        require(len(raw) <= raw_length, 12, "the block exceeds its raw length")
        if at == len(stored):
            return bytes(raw)
        distance = int.from_bytes(take(2), "little")
        count = length(token & 15) + 4
        require(1 <= distance <= len(raw), 12, "an lz4 match begins before the block")
        require(len(raw) + count <= raw_length, 12, "the block exceeds its raw length")
        match = bytes(raw[-distance:][:count])
        raw += (match * (count // distance + 1))[:count]


def zstd_frame(stored, _raw_length):
    decompressor = zstd_decompressor()
    try:
        raw = decompressor.decompress(stored)
    except Exception as error:  # each of the modules has an exception of its own
        raise Broken(12, f"the zstd frame is damaged: {error}") from error
    require(decompressor.eof and not decompressor.unused_data, 12, "the block is not one zstd frame")
    return raw


def zstd_decompressor():
    for name in ("compression.zstd", "pyzstd", "zstandard"):
        try:
            made = importlib.import_module(name).ZstdDecompressor()
        except ImportError:
            continue
        return made.decompressobj() if name == "zstandard" else made
    raise Missing("a block is compressed with zstd: install the module zstandard or pyzstd, or use Python 3.14")


def block_entries(raw, is_index):
    """The entries of a data or index block as (user key, tag, value); rules 13 to 19."""
    require(len(raw) >= 4, 13, "there is no room for the restart count")
    restart_count = int.from_bytes(raw[-4:], "little")
    end = len(raw) - 4 - 4 * restart_count
    require(restart_count >= 1 and end >= 0, 13, "the restarts do not fit")
    restarts = struct.unpack_from(f"<{restart_count}I", raw, end)
    require(restarts[0] == 0 and end > 0, 14, "the first restart is not 0, or there is no entry")
    require(all(a < b for a, b in zip(restarts, restarts[1:])), 14, "the restarts do not ascend")
    restarts, starts, entries, at = set(restarts), set(), [], 0
    while at < end:
        starts.add(at)
        last_key, last_tag, _ = entries[-1] if entries else (b"", 0, b"")
        shared, key_at = varint(raw, at, end, 32, 15)
        unshared, key_at = varint(raw, key_at, end, 32, 15)
        value_length, key_at = varint(raw, key_at, end, 32, 15)
        tag, key_at = varint(raw, key_at, end, 64, 15)
        require(shared <= (0 if at in restarts else len(last_key)), 16, "an entry shares more than there is")
        require(shared + unshared <= KEY_LIMIT, 16, "a key is longer than its limit")
        value_at = key_at + unshared
        at = value_at + value_length
        require(at <= end, 17, "an entry exceeds the block")
        require(tag & 0xFF in KIND_NAMES or (is_index and tag == 0), 18, "the kind of an entry is unknown")
        require(is_index or tag & 0xFF != DELETE or value_length == 0, 18, "a delete has a value")
        if tag & 0xFF == EXPIRING_PUT and not is_index:
            varint(raw, value_at, at, 64, 18)
        key = last_key[:shared] + raw[key_at:value_at]
        require(not entries or internal_order(last_key, last_tag) < internal_order(key, tag), 19,
                "the entries do not ascend")
        entries.append((key, tag, raw[value_at:at]))
    require(restarts <= starts, 14, "a restart is not the start of an entry")
    return entries


def internal_order(user_key, tag):
    return user_key, -tag


def index_entries(table):
    """Separators and handles of the data blocks; rule 20."""
    separators, handles, expected = [], [], 0
    for key, tag, value in block_entries(table.block(table.index, INDEX_ROLE), is_index=True):
        offset, at = varint(value, 0, len(value), 64, 20)
        length, at = varint(value, at, len(value), 32, 20)
        require(at == len(value) and offset == expected, 20, "the data blocks do not tile the file")
        expected = offset + length + TRAILER.size
        separators.append(internal_order(key, tag))
        handles.append((offset, length))
    require(expected == table.data_end, 20, "the data blocks do not tile the file")
    return separators, handles


def table_entries(table):
    """All entries of the table; rule 21."""
    with reading("sstable.md", table.index[0]):
        separators, handles = index_entries(table)
    below = None
    for separator, handle in zip(separators, handles):
        with reading("sstable.md", handle[0]):
            entries = block_entries(table.block(handle, DATA_ROLE), is_index=False)
            first, last = internal_order(*entries[0][:2]), internal_order(*entries[-1][:2])
            require((below is None or below < first) and last <= separator, 21, "an entry is beyond a separator")
        below = separator
        yield from entries


CREATED, OLDEST_TOMBSTONE, KEYSPACE, LEVEL, WRITER, DATABASE = range(0x8A, 0x90)
NUMBERS = {1: "entries", 2: "tombstones", 3: "raw-key-bytes", 4: "raw-value-bytes", 5: "data-blocks",
           8: "first-sequence", 9: "last-sequence", KEYSPACE: "keyspace", LEVEL: "level"}
KEYS = {6: "smallest", 7: "largest"}


def properties(raw):
    """The printed properties by name, in the order of dump.md; rule 22."""
    fields, at, last = {}, 0, 0
    while at < len(raw):
        field = raw[at]
        length, start = varint(raw, at + 1, len(raw), 32, 22)
        at = start + length
        require(field > last and at <= len(raw), 22, "the fields are not well formed")
        require(field in NUMBERS or field in KEYS or field & 0x80, 22, f"the property {field} is unknown")
        fields[field], last = raw[start:at], field
    require(all(field in fields for field in range(1, 10)), 22, "a property is missing")
    numbers = {field: number(fields.get(field, b"\0"), 32 if field in (KEYSPACE, LEVEL) else 64)
               for field in (*NUMBERS, CREATED, OLDEST_TOMBSTONE)}
    require(is_utf8(fields.get(WRITER, b"")), 22, "a text is not UTF-8")
    require(len(fields.get(DATABASE, bytes(16))) == 16, 22, "the identity is not one of 16 bytes")
    return ({name: numbers[field] for field, name in NUMBERS.items()}
            | {name: printable(fields[field]) for field, name in KEYS.items()})


def number(field, bits):
    value, end = varint(field, 0, len(field), bits, 22)
    require(end == len(field), 22, "a number does not fill its field")
    return value


def is_utf8(text):
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_filter(raw):
    """Rule 24."""
    length = raw[0] if raw else 0
    name, policy = raw[1:1 + length], raw[1 + length:]
    require(length >= 1 and len(name) == length and name.isascii(), 24, "the filter block does not begin with a name")
    if name == b"fastbloom.1":
        require(len(policy) >= 8, 24, "the filter is shorter than its header")
        version, probes, reserved, words = struct.unpack_from("<BBHI", policy)
        require(version == 1 and 1 <= probes <= 30 and reserved == 0, 24, "the filter's header is not valid")
        require(words >= 1 and len(policy) == 8 + 8 * words, 24, "the filter does not have the length that it states")


def dump_table(data):
    table = Table(data)
    with reading("sstable.md", table.properties[0]):
        known = properties(table.block(table.properties, PROPERTIES_ROLE))
    if table.filter != (0, 0):
        with reading("sstable.md", table.filter[0]):
            check_filter(table.block(table.filter, FILTER_ROLE))
    yield f"table unique-id={table.unique_id.hex()} bytes={len(data)}"
    yield "properties " + " ".join(f"{name}={value}" for name, value in known.items())
    for key, tag, value in table_entries(table):
        yield f"  {KIND_NAMES[tag & 0xFF]} sequence={tag >> 8} {entry_text(tag & 0xFF, key, value)}"


# --- dump.md

def dump(data):
    if data.startswith(LOG_MAGIC):
        return list(dump_log(data))
    if data.endswith(TABLE_MAGIC):
        return list(dump_table(data))
    raise Missing("neither a log nor a table: the magic is unknown")


def main(arguments):
    if len(arguments) != 1:
        print("usage: python3 decode.py FILE", file=sys.stderr)
        return 2
    path = arguments[0]
    try:
        with open(path, "rb") as file:
            lines = dump(file.read())
    except Broken as broken:
        document, offset = broken.place
        print(f"{path}: offset {offset}: {broken.text} ({document} rule {broken.rule})", file=sys.stderr)
        return 3
    except (Missing, OSError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 3
    sys.stdout.write("".join(line + "\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
