# The bytes of a body cut into spans and fields, and hashed; part of `_compiled_spans.pyx`.
#
# Every read is bounded by the end of what it reads in. Nothing here knows what becomes of a field.

cdef extern from "_sha256.h":
    int sha256_is_fast() nogil
    uint64_t sha256_head(const uint8_t* data, size_t size) nogil

cdef int64_t DAY_NS = 86_400_000_000_000
cdef bint IS_FAST = sha256_is_fast()
cdef bytes HEXADECIMAL = b"0123456789abcdef"
cdef const char* HEX = HEXADECIMAL


cdef struct Piece:
    const uint8_t* at
    Py_ssize_t size


cdef struct Field:
    uint64_t number
    int wire_type
    uint64_t value  # of a number
    Piece payload  # of a message or text
    Piece whole


cdef struct Raw:
    # A span cut into its fields; sizes of 0 are absent ones.
    Piece[17] fields  # whole, by number
    Piece trace_id
    Piece span_id
    Piece parent_id
    Piece name
    Piece status
    int64_t start
    int64_t end
    int kind
    int attributes_count
    Piece[MAX_ATTRIBUTES] attributes
    int others_count
    Piece[MAX_OTHERS] others  # whole fields that have no place in a row, as they came


cdef inline const uint8_t* read_varint(
    const uint8_t* at, const uint8_t* end, uint64_t* value
) noexcept nogil:
    """Where it ends; NULL for one that is cut off or longer than it needs to be."""
    cdef uint64_t number = 0
    cdef int shift = 0
    cdef uint8_t byte
    while at < end and shift < 64:
        byte = at[0]
        at += 1
        if shift == 63 and byte > 1:
            return NULL
        number |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                return NULL
            value[0] = number
            return at
        shift += 7
    return NULL


cdef inline const uint8_t* read_field(
    const uint8_t* at, const uint8_t* end, Field* field
) noexcept nogil:
    """Where the field ends; NULL where it does not end before `end`, or is none."""
    cdef uint64_t tag = 0
    cdef uint64_t size = 0
    field.whole.at = at
    at = read_varint(at, end, &tag)
    if at == NULL or tag >> 32 or tag < 8:
        return NULL
    field.number = tag >> 3
    field.wire_type = tag & 7
    if field.wire_type == 2:
        at = read_varint(at, end, &size)
        if at == NULL or size > <uint64_t>(end - at):
            return NULL
        field.payload.at = at
        field.payload.size = <Py_ssize_t>size
        at += size
    elif field.wire_type == 0:
        at = read_varint(at, end, &field.value)
        if at == NULL:
            return NULL
    elif field.wire_type == 1:
        if end - at < 8:
            return NULL
        memcpy(&field.value, at, 8)  # little-endian, as all processors that this is built for
        at += 8
    elif field.wire_type == 5:
        if end - at < 4:
            return NULL
        at += 4
    else:
        return NULL
    field.whole.size = at - field.whole.at
    return at


cdef inline bint is_ascii(const Field* field) noexcept nogil:
    """False for a text that has to be looked at by those who know UTF-8."""
    cdef Py_ssize_t i
    if field.wire_type == 2:
        for i in range(field.payload.size):
            if field.payload.at[i] > 0x7F:
                return False
    return True


cdef inline bint take_once(Piece* place, const Piece* found) noexcept nogil:
    """False where there is one already."""
    if place.size:
        return False
    place[0] = found[0]
    return True


cdef bint cut_span(const uint8_t* at, Py_ssize_t size, Raw* raw) noexcept nogil:
    """Whether the span is written as usual, and then its fields."""
    cdef const uint8_t* end = at + size
    cdef Field field
    cdef int number
    cdef uint64_t start = 0
    cdef uint64_t stop = 0
    memset(raw.fields, 0, sizeof(raw.fields))
    raw.trace_id.size = raw.span_id.size = raw.parent_id.size = 0
    raw.name.size = raw.status.size = 0
    raw.kind = raw.attributes_count = raw.others_count = 0
    while at < end:
        at = read_field(at, end, &field)
        if at == NULL or field.number > 16:
            return False
        number = <int>field.number
        if number == 9:
            if field.wire_type != 2 or raw.attributes_count == MAX_ATTRIBUTES:
                return False
            raw.attributes[raw.attributes_count] = field.payload
            raw.attributes_count += 1
            continue
        if not take_once(&raw.fields[number], &field.whole):
            return False
        if number in (1, 2, 4, 5, 15):
            if field.wire_type != 2 or field.payload.size == 0:
                return False
            if number == 1:
                raw.trace_id = field.payload
            elif number == 2:
                raw.span_id = field.payload
            elif number == 4:
                raw.parent_id = field.payload
            elif number == 5:
                raw.name = field.payload
            else:
                raw.status = field.payload
        elif number == 6:
            if field.wire_type != 0 or field.value > 5 or field.value == 0:
                return False
            raw.kind = <int>field.value
        elif number == 7 or number == 8:
            if field.wire_type != 1 or field.value == 0:
                return False
            if number == 7:
                start = field.value
            else:
                stop = field.value
        elif number in (3, 12, 14, 16):
            # What the state of a trace and the like are is of no row, but of the content's hash.
            if raw.others_count == MAX_OTHERS:
                return False
            if number == 3 and not is_ascii(&field):
                return False
            raw.others[raw.others_count] = field.whole
            raw.others_count += 1
        else:
            return False
    if start == 0 or stop < start or stop >= <uint64_t>1 << 62:
        return False
    raw.start, raw.end = <int64_t>start, <int64_t>stop
    return True


cdef inline bint is_zero(const Piece* piece) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(piece.size):
        if piece.at[i]:
            return False
    return True


cdef inline uint64_t prefix_of(const Piece* piece) noexcept nogil:
    """The first eight bytes as a number that is sorted as they are."""
    cdef uint64_t number = 0
    cdef Py_ssize_t i
    for i in range(8):
        number <<= 8
        if i < piece.size:
            number |= piece.at[i]
    return number


cdef bint comes_before(
    const Piece* one, uint64_t prefix, const Piece* other, uint64_t other_prefix
) noexcept nogil:
    cdef int order
    if prefix != other_prefix:
        return prefix < other_prefix
    order = memcmp(one.at, other.at, min(one.size, other.size))
    return order < 0 if order else one.size < other.size


cdef void sort_pieces(Piece* pieces, int count) noexcept nogil:
    cdef uint64_t[MAX_ATTRIBUTES] prefixes
    cdef uint64_t prefix
    cdef Piece piece
    cdef int i, j
    for i in range(count):
        prefix = prefix_of(&pieces[i])
        piece = pieces[i]
        j = i
        while j and comes_before(&piece, prefix, &pieces[j - 1], prefixes[j - 1]):
            pieces[j], prefixes[j] = pieces[j - 1], prefixes[j - 1]
            j -= 1
        pieces[j], prefixes[j] = piece, prefix


cdef inline uint8_t* put(uint8_t* to, const Piece* piece) noexcept nogil:
    memcpy(to, piece.at, piece.size)
    return to + piece.size


cdef inline uint8_t* put_between(uint8_t* to) noexcept nogil:
    to[0] = to[1] = 0xFF
    return to + 2


cdef Py_ssize_t put_content(uint8_t* to, bytes sender, Raw* raw) noexcept:
    """The bytes that are hashed, in the order of `content_hash`; their number."""
    cdef uint8_t* begin = to
    cdef Piece piece
    cdef int i
    piece.at = <const uint8_t*>PyBytes_AS_STRING(sender)
    piece.size = PyBytes_GET_SIZE(sender)
    to = put_between(put(to, &piece))
    for i in (1, 2, 4, 5, 6, 7, 8, 15):
        to = put(to, &raw.fields[i])
    for i in range(raw.others_count):
        to = put(to, &raw.others[i])
    sort_pieces(raw.attributes, raw.attributes_count)
    for i in range(raw.attributes_count):
        to = put(put_between(to), &raw.attributes[i])
    return to - begin


cdef object hash_of(const uint8_t* content, Py_ssize_t size):
    cdef Py_ssize_t at
    if IS_FAST:
        return sha256_head(content, size)
    digest = sha256()
    for at in range(0, size, HASHED_AT_ONCE_BYTES):  # above, hashlib lets go of the lock
        digest.update(content[at : min(at + HASHED_AT_ONCE_BYTES, size)])
    return int.from_bytes(digest.digest()[:8], "big")


cdef str hex_of(const Piece* piece):
    cdef str text = PyUnicode_New(2 * piece.size, 127)
    cdef uint8_t* to = PyUnicode_1BYTE_DATA(text)
    cdef Py_ssize_t i
    for i in range(piece.size):
        to[2 * i] = HEX[piece.at[i] >> 4]
        to[2 * i + 1] = HEX[piece.at[i] & 15]
    return text


cdef tuple cut_resource(const uint8_t* begin, const Piece* content):
    cdef const uint8_t* at = content.at
    cdef const uint8_t* end = at + content.size
    cdef Field field
    cdef bytes resource = None
    cdef list scopes = []
    while at < end:
        at = read_field(at, end, &field)
        if at == NULL:
            return None
        if field.wire_type != 2:
            continue
        if field.number == 1:
            if resource is not None:
                return None
            resource = field.payload.at[: field.payload.size]
        elif field.number == 2:
            of_scope = cut_scope(begin, &field.payload)
            if of_scope is None:
                return None
            scopes.append(of_scope)
        elif field.number == 3 and not is_ascii(&field):
            return None
    # Of a resource without scopes nobody would ask whether it is one.
    return (resource or b"", scopes) if scopes else None


cdef tuple cut_scope(const uint8_t* begin, const Piece* content):
    cdef const uint8_t* at = content.at
    cdef const uint8_t* end = at + content.size
    cdef Field field
    cdef bytes scope = None
    cdef list places = []
    while at < end:
        at = read_field(at, end, &field)
        if at == NULL:
            return None
        if field.wire_type != 2:
            continue
        if field.number == 1:
            if scope is not None:
                return None
            scope = field.payload.at[: field.payload.size]
        elif field.number == 2:
            places.append(field.payload.at - begin)
            places.append(field.payload.at + field.payload.size - begin)
        elif field.number == 3 and not is_ascii(&field):
            return None
    return scope or b"", places
