# cython: language_level=3, boundscheck=True, wraparound=False, embedsignature=False
"""Columns of the hot tables to ClickHouse's Native format, compiled.

The same bytes and the same errors as `native`, which says what the format is; a test holds both
against each other. Only types that are dear in Python are here.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef extern from "Python.h":
    PyObject* PyBytes_FromStringAndSize(const char* content, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject** content, Py_ssize_t size) except -1
    char* PyBytes_AsString(PyObject* content) except NULL
    void Py_XDECREF(PyObject* something)
    PyObject* PyDict_GetItemWithError(object mapping, object key) except? NULL
    unsigned long long PyLong_AsUnsignedLongLong(object number) except? 0xFFFFFFFFFFFFFFFF
    long PyLong_AsLong(object number) except? -1
    double PyFloat_AsDouble(object number) except? -1.0
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    uint8_t* PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bytes PyUnicode_AsUTF8String(object text)

cdef enum:
    HAS_ADDITIONAL_KEYS = 1 << 9
    MAX_LENGTH_BYTES = 10

cdef object NO_ROW = object()
cdef object EPOCH_DAY = 719_163  # date(1970, 1, 1).toordinal()


@cython.final
cdef class Out:
    """Bytes that grow, and are handed over without a copy."""

    cdef PyObject* made  # a bytes object that nobody else knows
    cdef uint8_t* at
    cdef Py_ssize_t size
    cdef Py_ssize_t capacity

    def __dealloc__(self):
        Py_XDECREF(self.made)

    cdef uint8_t* room(self, Py_ssize_t count) except NULL:
        """Where `count` more bytes may be written."""
        if self.at == NULL or count > self.capacity - self.size:
            self.resize(max(2 * self.capacity, self.size + count, 256))
        return self.at + self.size

    cdef int resize(self, Py_ssize_t capacity) except -1:
        self.at = NULL
        if self.made == NULL:
            self.made = PyBytes_FromStringAndSize(NULL, capacity)
        else:
            _PyBytes_Resize(&self.made, capacity)  # sets it to NULL where there is no memory
        self.at, self.capacity = <uint8_t*>PyBytes_AsString(self.made), capacity
        return 0

    cdef int put(self, const void* content, Py_ssize_t count) except -1:
        cdef uint8_t* to = self.room(count)
        if count:
            memcpy(to, content, count)
        self.size += count
        return 0

    cdef int repeat(self, Py_ssize_t begin, Py_ssize_t end) except -1:
        """What stands between two places once more."""
        cdef uint8_t* to = self.room(end - begin)
        memcpy(to, self.at + begin, end - begin)
        self.size += end - begin
        return 0

    cdef int put_number(self, uint64_t number) except -1:
        """Eight bytes."""
        return self.put(&number, 8)

    cdef int put_text(self, object text) except -1:
        """A string with its length before it."""
        cdef bytes encoded
        if type(text) is not str and not isinstance(text, str):
            raise TypeError(f"a string is required, not {type(text).__name__}")
        if PyUnicode_IS_COMPACT_ASCII(text):
            return self.put_string(PyUnicode_1BYTE_DATA(text), PyUnicode_GET_LENGTH(text))
        encoded = PyUnicode_AsUTF8String(text)
        return self.put_string(<const uint8_t*>PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded))

    cdef int put_string(self, const uint8_t* content, Py_ssize_t count) except -1:
        cdef uint8_t* to = self.room(count + MAX_LENGTH_BYTES)
        cdef uint8_t* begin = to
        cdef uint64_t rest = count
        while rest > 127:
            to[0] = <uint8_t>(rest & 127 | 128)
            to += 1
            rest >>= 7
        to[0] = <uint8_t>rest
        to += 1
        if count:
            memcpy(to, content, count)
        self.size += to - begin + count
        return 0

    cdef bytes content(self):
        """All of them; nothing can be added any more."""
        cdef bytes content
        if self.made == NULL or self.size == 0:
            return b""
        self.resize(self.size)
        content = <bytes>self.made
        Py_XDECREF(self.made)
        self.made, self.at, self.size, self.capacity = NULL, NULL, 0, 0
        return content


cdef list listed(object values):
    return <list>values if type(values) is list else list(values)


cdef Out begun(bytes head):
    """What begins with the head of a column."""
    cdef Out out = Out()
    if head:
        out.put(PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head))
    return out


cdef bytes nothing(bytes head, Py_ssize_t rows, Py_ssize_t value_bytes):
    """A column of NULLs."""
    cdef Out out = begun(head)
    cdef uint8_t* to = out.room(rows * (1 + value_bytes))
    memset(to, 1, rows)
    memset(to + rows, 0, rows * value_bytes)
    out.size += rows * (1 + value_bytes)
    return out.content()


cdef bint is_all_none(list values):
    for value in values:
        if value is not None:
            return False
    return True


def strings(values, bytes head=b""):
    """`String`."""
    cdef Out out = begun(head)
    for value in values:
        out.put_text(value)
    return out.content()


def nullable_strings(values, bytes head=b""):
    """`Nullable(String)`."""
    cdef list rows = listed(values)
    cdef Out out = begun(head)
    cdef uint8_t* missing
    cdef Py_ssize_t i
    if is_all_none(rows):
        return nothing(head, len(rows), 1)
    missing = out.room(len(rows))
    for i in range(len(rows)):
        missing[i] = rows[i] is None
    out.size += len(rows)
    for value in rows:
        if value is None:
            out.put_string(NULL, 0)
        else:
            out.put_text(value)
    return out.content()


@cython.final
cdef class Numbers:
    """`Float64`, `UInt64`, `UInt32`, `UInt8`, each with NULLs or without."""

    cdef bint is_float
    cdef bint is_nullable
    cdef Py_ssize_t width

    def __init__(self, is_float, width, is_nullable):
        self.is_float, self.width, self.is_nullable = is_float, width, is_nullable

    def __call__(self, values, bytes head=b""):
        cdef list rows = listed(values)
        cdef Py_ssize_t count = len(rows)
        cdef Py_ssize_t i
        cdef Out out = begun(head)
        cdef uint8_t* missing
        cdef uint8_t* to
        cdef double real
        cdef uint64_t number
        cdef uint64_t largest = 0xFFFFFFFFFFFFFFFF >> (64 - 8 * self.width)
        if self.is_nullable:
            if is_all_none(rows):
                return nothing(head, count, self.width)
            missing = out.room(count * (1 + self.width))
            to = missing + count
        else:
            missing = NULL
            to = out.room(count * self.width)
        out.size += count * (self.width + self.is_nullable)
        for i in range(count):
            value = rows[i]
            if missing != NULL:
                missing[i] = value is None
                if value is None:
                    memset(to, 0, self.width)
                    to += self.width
                    continue
            if self.is_float:
                real = PyFloat_AsDouble(value)
                memcpy(to, &real, 8)
            else:
                number = PyLong_AsUnsignedLongLong(value)
                if number > largest:
                    raise OverflowError(f"{number} is more than {self.width} bytes hold")
                memcpy(to, &number, self.width)  # little-endian
            to += self.width
        return out.content()


def days(values, bytes head=b""):
    """`Date`."""
    cdef list rows = listed(values)
    cdef Out out = begun(head)
    cdef uint8_t* to = out.room(2 * len(rows))
    cdef object before = None
    cdef uint16_t number = 0
    cdef Py_ssize_t i
    cdef long day
    for i in range(len(rows)):
        value = rows[i]
        if value is not before or before is None:
            day = value.toordinal() - EPOCH_DAY
            if not 0 <= day <= 0xFFFF:
                raise OverflowError(f"{value} lies outside of what a Date holds")
            before, number = value, <uint16_t>day
        memcpy(to + 2 * i, &number, 2)
    out.size += 2 * len(rows)
    return out.content()


def nullable_money(values, bytes head=b""):
    """`Nullable(Decimal(18, 9))`."""
    cdef list rows = listed(values)
    cdef Py_ssize_t count = len(rows)
    cdef Py_ssize_t i
    cdef Out out
    cdef uint8_t* missing
    cdef uint8_t* to
    cdef long long number
    if is_all_none(rows):
        return nothing(head, count, 8)
    out = begun(head)
    missing = out.room(9 * count)
    to = missing + count
    for i in range(count):
        value = rows[i]
        missing[i] = value is None
        number = 0
        if value is not None:
            number = int(value.scaleb(9))
        memcpy(to + 8 * i, &number, 8)
    out.size += 9 * count
    return out.content()


@cython.final
cdef class Places:
    """Distinct strings, and of each row the place of its string among them."""

    cdef dict places
    cdef Out keys
    cdef Out indexes  # of four bytes each
    cdef Py_ssize_t count
    cdef Py_ssize_t distinct
    cdef object before
    cdef uint32_t place_before

    def __init__(self, bint is_nullable):
        self.places, self.keys, self.indexes = {}, Out(), Out()
        self.count = self.distinct = 0
        self.before = NO_ROW
        if is_nullable:  # the first place is NULL's, an empty string has another
            self.keys.put_string(NULL, 0)
            self.places[None] = 0
            self.distinct = 1

    cdef int add(self, object value) except -1:
        cdef PyObject* found
        cdef uint32_t place
        if value is self.before:
            place = self.place_before
        else:
            found = PyDict_GetItemWithError(self.places, value)
            if found == NULL:
                self.keys.put_text(value)
                place = <uint32_t>self.distinct
                self.places[value] = place
                self.distinct += 1
            else:
                place = <uint32_t>PyLong_AsLong(<object>found)
            self.before, self.place_before = value, place
        self.count += 1
        return self.indexes.put(&place, 4)

    cdef int repeat(self, Py_ssize_t begin, Py_ssize_t end) except -1:
        """The rows between two once more."""
        self.indexes.repeat(4 * begin, 4 * end)
        self.count += end - begin
        return 0

    cdef int put(self, Out out) except -1:
        """The column as it is sent."""
        cdef int width = 0 if self.distinct <= 256 else 1 if self.distinct <= 65536 else 2
        cdef const uint32_t* places = <const uint32_t*>self.indexes.at
        cdef uint8_t* to
        cdef Py_ssize_t i
        out.put_number(width | HAS_ADDITIONAL_KEYS)
        out.put_number(self.distinct)
        out.put(self.keys.at, self.keys.size)
        out.put_number(self.count)
        if width == 2:
            return out.put(places, 4 * self.count)
        to = out.room(self.count << width)
        if width == 0:
            for i in range(self.count):
                to[i] = <uint8_t>places[i]
        else:
            for i in range(self.count):
                memcpy(to + 2 * i, &places[i], 2)  # little-endian
        out.size += self.count << width
        return 0


@cython.final
cdef class Dictionary:
    """`LowCardinality(String)` and `LowCardinality(Nullable(String))`."""

    cdef bint is_nullable

    def __init__(self, is_nullable):
        self.is_nullable = is_nullable

    def __call__(self, values, bytes head=b""):
        cdef Out out = begun(head)
        cdef Places places = Places(self.is_nullable)
        for value in values:
            places.add(value)
        if places.count:  # an array without elements has nothing here
            places.put(out)
        return out.content()


def string_maps(values, bytes head=b""):
    """`Map(LowCardinality(String), String)`."""
    cdef Out out = begun(head)
    cdef Out texts = Out()
    cdef Places keys = Places(False)
    cdef object before = None
    cdef PyObject* key
    cdef PyObject* text
    cdef Py_ssize_t position
    cdef Py_ssize_t text_begin = 0
    cdef Py_ssize_t text_end = 0
    cdef Py_ssize_t key_begin = 0
    cdef Py_ssize_t key_end = 0
    for value in values:
        if value is before and before is not None:
            # Spans of a request share the mapping of their resource: packed once.
            texts.repeat(text_begin, text_end)
            keys.repeat(key_begin, key_end)
        else:
            before = value
            mapping = value if type(value) is dict else dict(value.items())
            text_begin, key_begin = texts.size, keys.count
            position = 0
            while PyDict_Next(mapping, &position, &key, &text):
                keys.add(<object>key)
                texts.put_text(<object>text)
            text_end, key_end = texts.size, keys.count
        out.put_number(keys.count)
    if keys.count:
        keys.put(out)
        out.put(texts.at, texts.size)
    return out.content()


PACKERS = {
    "String": strings,
    "Nullable(String)": nullable_strings,
    "Date": days,
    "Nullable(Decimal(18, 9))": nullable_money,
    "LowCardinality(String)": Dictionary(False),
    "LowCardinality(Nullable(String))": Dictionary(True),
    "Map(LowCardinality(String), String)": string_maps,
}
for _name, _is_float, _width in (
    ("Float64", True, 8), ("UInt64", False, 8), ("UInt32", False, 4), ("UInt8", False, 1)
):
    PACKERS[_name] = Numbers(_is_float, _width, False)
    PACKERS[f"Nullable({_name})"] = Numbers(_is_float, _width, True)
