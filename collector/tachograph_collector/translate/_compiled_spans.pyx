# cython: language_level=3, boundscheck=True, wraparound=False, embedsignature=False
"""Usual spans from their bytes to their rows, compiled.

What is said in Python by `wire`, `attribute_reader`, `content_hash` and `spans` is said here again for
the spans of everyday, and nothing else: whatever is written in an unusual way (fields twice or in
more bytes than needed, events, links, ids or times that are refused, texts to be cut, two names
for one column) is handed back whole, to be done there. What is not handed back need not be read by
the official parser: it would have taken it. Tests hold both ways against each other.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from hashlib import sha256

from google.protobuf.message import DecodeError

cdef extern from "Python.h":
    PyObject* PyDict_GetItemWithError(object mapping, object key) except? NULL
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    uint8_t* PyUnicode_1BYTE_DATA(object text)

# The shapes of `attribute_reader.DirectLine`.
cdef enum:
    MEASUREMENT = 0
    CONTENT = 1
    NAME = 2
    WHOLE_NUMBER = 3

# Of what an attribute becomes: as in `attribute_reader`.
cdef enum:
    MAP = 0
    COLUMN = 1
    SETTLED = 2
    COUNTED = 3

cdef enum:
    MAX_ATTRIBUTES = 256
    MAX_OTHERS = 8
    MAX_COLUMNS = 128
    MAX_NAME_BYTES = 1024
    MAX_KEPT_BYTES = 128
    MAX_KEPT = 8192
    HASHED_AT_ONCE_BYTES = 2047

include "_compiled_wire.pxi"


@cython.final
cdef class Known:
    """What an attribute becomes."""

    cdef int kind
    cdef int column
    cdef object name
    cdef object value


@cython.final
cdef class Direct:
    """How the attributes of a name are read whose values seldom come twice."""

    cdef int shape
    cdef int kind
    cdef int column
    cdef uint64_t limit  # bytes of a text, or the largest number
    cdef object convert


@cython.final
cdef class SpanReader:
    """Makes the rows of usual spans; safe to share between threads, which take turns."""

    cdef object _read, _settle, _cut, _day_after
    cdef dict _young, _old, _direct, _index, _kinds, _statuses
    cdef list _names
    cdef object _observers, _counting, _operations
    cdef int64_t _day
    cdef tuple _days
    cdef Py_ssize_t _max_attributes, _max_status_bytes
    cdef int _trace_id, _span_id, _parent_id, _start, _duration, _name, _kind, _status_code
    cdef int _status_message, _observer, _is_counted, _map, _hash, _expires, _content_expires
    cdef int _tenant, _tenant_source, _operation, _provider, _input, _output
    cdef int _cache_read, _cache_write, _reasoning
    cdef object _is_exclusive

    def __init__(self, rules):
        index = rules.index
        if len(index) > MAX_COLUMNS:
            raise ValueError(f"a row has {len(index)} columns, more than {MAX_COLUMNS}")
        self._read, self._settle, self._cut = rules.read, rules.settle, rules.cut
        self._day_after = rules.day_after
        self._young, self._old, self._index = {}, {}, dict(index)
        self._names = list(index)
        self._kinds, self._statuses = dict(rules.kinds), dict(rules.status_codes)
        self._observers, self._counting = rules.observers, rules.counting_observers
        self._operations = rules.model_operations
        self._day, self._days = -1, ()
        self._max_attributes = min(rules.max_attributes, MAX_ATTRIBUTES)
        self._max_status_bytes = rules.max_attribute_bytes
        self._direct = {head: self._direct_of(line) for head, line in rules.direct}
        self._trace_id, self._span_id = index["trace_id"], index["span_id"]
        self._parent_id, self._start = index["parent_span_id"], index["start_time"]
        self._duration, self._name, self._kind = index["duration_ns"], index["name"], index["kind"]
        self._status_code, self._status_message = index["status_code"], index["status_message"]
        self._observer, self._is_counted = index["observer"], index["is_counted"]
        self._map, self._hash = index["attributes"], index["content_hash"]
        self._expires, self._content_expires = index["expires_on"], index["content_expires_on"]
        self._tenant, self._tenant_source = index["tenant"], index["tenant_source"]
        self._operation, self._provider = index["operation"], index["provider"]
        self._input, self._output = index["input_tokens"], index["output_tokens"]
        self._cache_read, self._cache_write = index["cache_read_tokens"], index["cache_write_tokens"]
        self._reasoning = index["reasoning_tokens"]
        self._is_exclusive = rules.is_exclusive

    def _direct_of(self, line):
        cdef Direct direct = Direct()
        direct.shape, direct.kind, column, direct.limit, direct.convert = line
        direct.column = self._index[column]
        return direct

    def cut(self, bytes content not None):
        """Resources, each with its scopes, each with the places of its spans; None for an unusual body.

        [(resource, [(scope, [begin, end, begin, end, …])])]: offsets in `content`.
        """
        cdef const uint8_t* begin = <const uint8_t*>PyBytes_AS_STRING(content)
        cdef const uint8_t* end = begin + PyBytes_GET_SIZE(content)
        cdef const uint8_t* at = begin
        cdef Field field
        cdef list found = []
        while at < end:
            at = read_field(at, end, &field)
            if at == NULL:
                return None
            if field.number == 1 and field.wire_type == 2:
                of_resource = cut_resource(begin, &field.payload)
                if of_resource is None:
                    return None
                found.append(of_resource)
        return found

    def kept(self):
        """How many attributes are remembered."""
        return len(self._young) + len(self._old)

    def add(self, bytes content not None, list places not None, list template not None,
            bytes sender not None, str scope_name not None, int64_t earliest, int64_t latest,
            list rows not None, left):
        """Append the rows of spans to `rows`.

        `left(number, bytes)` is called for each span that is not usual, in its turn.
        """
        cdef const uint8_t* begin = <const uint8_t*>PyBytes_AS_STRING(content)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(content)
        cdef Py_ssize_t first, last, longest = 0
        cdef Py_ssize_t number
        cdef list row
        cdef Raw* raw = NULL
        cdef uint8_t* scratch = NULL
        for number in range(0, len(places), 2):
            first, last = places[number], places[number + 1]
            if not 0 <= first <= last <= size:
                raise ValueError(f"no span lies between {first} and {last}")
            longest = max(longest, last - first)
        raw = <Raw*>PyMem_Malloc(sizeof(Raw))
        scratch = <uint8_t*>PyMem_Malloc(len(sender) + longest + 2 * MAX_ATTRIBUTES + 16)
        try:
            if raw == NULL or scratch == NULL:
                raise MemoryError
            for number in range(0, len(places), 2):
                first, last = places[number], places[number + 1]
                row = None
                if cut_span(begin + first, last - first, raw):
                    if earliest <= raw.start and raw.end <= latest:
                        row = self._row(raw, template, scope_name)
                if row is None:
                    left(number >> 1, content[first:last])
                    continue
                row[self._hash] = hash_of(scratch, put_content(scratch, sender, raw))
                rows.append(row)
        finally:
            PyMem_Free(raw)
            PyMem_Free(scratch)

    cdef list _row(self, Raw* raw, list template, str scope_name):
        """The row but for its hash; None where the span is not usual."""
        cdef uint8_t[MAX_COLUMNS] filled
        cdef list row
        cdef dict texts
        cdef Py_ssize_t kept = 0
        cdef bint needs_settling = False
        cdef object counted = None
        cdef Known known
        cdef int i
        if raw.trace_id.size != 16 or raw.span_id.size != 8 or raw.name.size > MAX_NAME_BYTES:
            return None
        if raw.parent_id.size not in (0, 8) or raw.attributes_count > self._max_attributes:
            return None
        if is_zero(&raw.trace_id) or is_zero(&raw.span_id):
            return None
        row = template[:]
        texts = {}
        memset(filled, 0, sizeof(filled))
        for i in range(raw.attributes_count):
            known = self._known(&raw.attributes[i])
            if known is None:
                return None
            if known.kind == MAP:
                texts[known.name] = known.value
                kept += 1
            elif known.kind == COUNTED:
                if counted is not None:
                    return None
                counted = known.value
            elif known.kind == COLUMN or known.kind == SETTLED:
                if filled[known.column]:
                    return None
                filled[known.column] = 1
                row[known.column] = known.value
                if known.kind == SETTLED:
                    needs_settling = True
            else:
                return None
        if kept != len(texts):
            return None
        try:
            if raw.status.size and not self._put_status(&raw.status, row):
                return None
            row[self._name] = PyUnicode_DecodeUTF8(<char*>raw.name.at, raw.name.size, NULL) \
                if raw.name.size else ""
        except UnicodeDecodeError:
            return None
        observer = row[self._observer] if filled[self._observer] else "client"
        if observer not in self._observers:
            return None
        if needs_settling and self._may_change(row, filled, scope_name):
            self._settled(row, filled, scope_name, raw.start, raw.end)
        row[self._observer] = observer
        if filled[self._tenant] and not (filled[self._tenant_source] and observer == "proxy"):
            row[self._tenant_source] = "attribute"
        if raw.parent_id.size and not is_zero(&raw.parent_id):
            row[self._parent_id] = hex_of(&raw.parent_id)
        row[self._trace_id], row[self._span_id] = hex_of(&raw.trace_id), hex_of(&raw.span_id)
        row[self._start], row[self._duration] = raw.start, raw.end - raw.start
        row[self._kind] = self._kinds.get(raw.kind, "INTERNAL")
        operation = row[self._operation] if filled[self._operation] else None
        row[self._is_counted] = (
            operation in self._operations and observer in self._counting and counted is not False
        )
        row[self._map] = texts
        row[self._expires], row[self._content_expires] = self._days_of(raw.start // DAY_NS)
        return row

    cdef bint _may_change(self, list row, const uint8_t* filled, str scope_name) except *:
        """Whether `settle` has anything to do: not where the parts of tokens are within the whole."""
        cdef int64_t cached = 0
        cdef int64_t reasoning = 0
        if filled[self._cache_read]:
            cached += row[self._cache_read]
        if filled[self._cache_write]:
            cached += row[self._cache_write]
        if filled[self._reasoning]:
            reasoning = row[self._reasoning]
        if cached and filled[self._input]:
            if cached > <int64_t>row[self._input]:
                return True
            provider = row[self._provider] if filled[self._provider] else None
            if self._is_exclusive(scope_name, provider):
                return True
        return reasoning and filled[self._output] and reasoning > <int64_t>row[self._output]

    cdef _settled(self, list row, uint8_t* filled, str scope_name, int64_t start, int64_t end):
        cdef int i
        cdef dict columns = {}
        for i in range(len(self._names)):
            if filled[i]:
                columns[self._names[i]] = row[i]
        self._settle(columns, scope_name, start, end)
        for name, value in columns.items():
            i = self._index[name]
            row[i] = value
            filled[i] = 1

    cdef tuple _days_of(self, int64_t day):
        cdef tuple days = self._days
        if not days or days[0] != day:
            days = (day, *self._day_after(day))
            self._days = days
        return days[1], days[2]

    cdef bint _put_status(self, const Piece* status, list row) except *:
        cdef const uint8_t* at = status.at
        cdef const uint8_t* end = at + status.size
        cdef Field field
        cdef int code = 0
        cdef Piece message
        message.at, message.size = at, 0
        while at < end:
            at = read_field(at, end, &field)
            if at == NULL:
                return False
            if field.number == 3 and field.wire_type == 0 and not code and field.value < 3:
                code = <int>field.value
            elif field.number == 2 and field.wire_type == 2 and not message.size:
                message = field.payload
            else:
                return False
        if message.size > self._max_status_bytes:
            return False
        row[self._status_code] = self._statuses.get(code, "UNSET")
        row[self._status_message] = PyUnicode_DecodeUTF8(<char*>message.at, message.size, NULL) \
            if message.size else ""
        return True

    cdef Known _known(self, const Piece* attribute):
        """What the attribute becomes; None where all rules have to look at it."""
        cdef PyObject* found
        cdef bytes key
        cdef Known known
        cdef bint is_short = attribute.size <= MAX_KEPT_BYTES
        cdef Py_ssize_t begin = 0
        if attribute.size > 2 and attribute.at[1] < 0x80:
            begin = attribute.at[1] + 3
        # Doubles and long texts are not remembered; everything else mostly is.
        if begin and (not is_short or begin + 1 < attribute.size and attribute.at[begin + 1] == 0x21):
            known = self._read_directly(attribute, begin)
            if known is not None:
                return known
            begin = 0
        key = PyBytes_FromStringAndSize(<char*>attribute.at, attribute.size)
        if is_short:
            found = PyDict_GetItemWithError(self._young, key)
            if found != NULL:
                return <Known>found
            if begin:
                known = self._read_directly(attribute, begin)
                if known is not None:
                    return known
            found = PyDict_GetItemWithError(self._old, key)
            known = <Known>found if found != NULL else self._read_by_rules(key)
            if known is None:
                return None
            if len(self._young) >= MAX_KEPT:
                self._old, self._young = self._young, {}
            self._young[key] = known
            return known
        # One that nests may nest deeper than a request may: the official parser has to see it.
        return self._read_by_rules(key) if self._is_text(attribute) else None

    cdef bint _is_text(self, const Piece* attribute) noexcept:
        cdef const uint8_t* end = attribute.at + attribute.size
        cdef const uint8_t* at
        cdef Field field
        at = read_field(attribute.at, end, &field)
        if at == NULL or field.number != 1 or field.wire_type != 2:
            return False
        if read_field(at, end, &field) != end or field.number != 2 or field.wire_type != 2:
            return False
        at = field.payload.at
        return read_field(at, end, &field) == end and field.number == 1 and field.wire_type == 2

    cdef Known _read_by_rules(self, bytes attribute):
        cdef Known known = Known()
        try:
            kind, name, known.value = self._read(attribute)
        except (DecodeError, UnicodeDecodeError):
            return None
        known.kind, known.name = kind, name
        if kind == COLUMN or kind == SETTLED:
            known.column = self._index[name]
        return known

    cdef Known _read_directly(self, const Piece* attribute, Py_ssize_t begin):
        """Of a measurement or a text; None where it has another kind of value than such have."""
        cdef PyObject* found
        cdef Direct direct
        cdef Known known
        cdef Field field
        cdef Piece value
        cdef const uint8_t* end = attribute.at + attribute.size
        cdef double number
        if begin >= attribute.size:
            return None
        found = PyDict_GetItemWithError(
            self._direct, PyBytes_FromStringAndSize(<char*>attribute.at, begin)
        )
        if found == NULL:
            return None
        direct = <Direct>found
        if read_field(attribute.at + begin - 1, end, &field) != end:
            return None
        value = field.payload
        if read_field(value.at, end, &field) != end:
            return None
        known = Known()
        known.kind, known.column = direct.kind, direct.column
        if direct.shape == CONTENT or direct.shape == NAME:
            if field.number != 1 or field.wire_type != 2:
                return None
            if direct.convert is None and <uint64_t>field.payload.size > direct.limit:
                return None
            if field.payload.size == 0:
                if direct.shape == NAME:
                    return None
                text = ""
            else:
                try:
                    text = PyUnicode_DecodeUTF8(
                        <char*>field.payload.at, field.payload.size, NULL
                    )
                except UnicodeDecodeError:
                    return None
            if direct.convert is not None:
                text = direct.convert(text)
                if self._cut(text, direct.limit)[1]:
                    return None
            known.value = text
            return known
        if direct.shape == WHOLE_NUMBER:
            if field.number != 3 or field.wire_type != 0 or field.value > direct.limit:
                return None
            known.value = field.value
            return known
        if field.number != 4 or field.wire_type != 1:
            return None
        memcpy(&number, &field.value, 8)
        if not 0 <= number < INFINITY:
            return None
        known.value = number
        return known
